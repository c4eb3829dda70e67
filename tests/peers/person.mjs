// A person with a browser, as far as fetch can be one: cookies, redirects, and buttons of forms.

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'" };

export class Person {
    #cookies = new Map();

    constructor(issuer) {
        this.issuer = issuer;
    }

    // Open an address, press one of the buttons on each page that comes, and tell where that ends: the address of
    // an application (URL), or the page after the last button (text). A button is "name", "name=value" or "".
    async walk(address, ...buttons) {
        let response = await this.#visit(new URL(address));
        for (;;) {
            const location = response.headers.get("location");
            if (location && !location.startsWith(this.issuer)) return new URL(location);
            if (location) response = await this.#visit(new URL(location));
            else if (buttons.length) response = await this.#press(await page(response), buttons.shift());
            else return page(response);
        }
    }

    async #press(html, button) {
        const { action, body } = formWith(html, button);
        return this.#visit(action, { method: "POST", body });
    }

    async #visit(address, options = {}) {
        const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const response = await fetch(address, { ...options, redirect: "manual", headers: { cookie } });
        for (const line of response.headers.getSetCookie()) {
            const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
            this.#cookies.set(name, value);
        }
        return response;
    }
}

// What the form with this button would send, and where to.
export function formWith(html, button) {
    const [wanted, value] = button.split("=");
    for (const [form, action] of html.matchAll(/<form [^>]*action="([^"]*)"[^]*?<\/form>/g)) {
        const pressed = named(form, "button").find(([name, said]) => name === wanted && said === (value ?? said));
        if (wanted && !pressed) continue;
        return { action: unescaped(action), body: new URLSearchParams([...named(form, "input"), ...(pressed ? [pressed] : [])]) };
    }
    throw new Error(`There is no button ${button} here: ${html}`);
}

// The name and the value of each element of that kind.
function named(form, tag) {
    const elements = form.matchAll(new RegExp(`<${tag} [^>]*?name="([^"]*)"[^>]*? value="([^"]*)"`, "g"));
    return [...elements].map(([, name, value]) => [name, unescaped(value)]);
}

async function page(response) {
    const html = await response.text();
    if (!response.ok) throw new Error(`The provider's page says ${response.status}: ${html}`);
    return html;
}

function unescaped(text) {
    return text.replace(/&([^;]+);/g, (whole, name) => ENTITIES[name] ?? whole);
}

// A person with a browser, as far as fetch can be one: cookies, redirects, and forms that are answered.

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'" };

export class Person {
    #cookies = new Map();

    constructor(issuer) {
        this.issuer = issuer;
    }

    // Open an address, answer each page that comes with the next of the answers, and tell where that ends:
    // the address of an application (URL), or the page after the last answer (text).
    async walk(address, ...answers) {
        let response = await this.#visit(new URL(address));
        for (;;) {
            const location = response.headers.get("location");
            if (location && !location.startsWith(this.issuer)) return new URL(location);
            if (location) response = await this.#visit(new URL(location));
            else if (answers.length) response = await this.#answer(await page(response), answers.shift());
            else return page(response);
        }
    }

    async #answer(html, fields) {
        const { action, body } = formOf(html);
        for (const [name, value] of Object.entries(fields)) body.set(name, value);
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

// The address of the first form of a page, and its hidden fields.
export function formOf(html) {
    const form = html.match(/<form [^]*?<\/form>/)[0];
    const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    return {
        action: unescaped(form.match(/ action="([^"]*)"/)[1]),
        body: new URLSearchParams(hidden.map(([, name, value]) => [name, unescaped(value)])),
    };
}

async function page(response) {
    const html = await response.text();
    if (!response.ok) throw new Error(`The provider's page says ${response.status}: ${html}`);
    return html;
}

function unescaped(text) {
    return text.replace(/&([^;]+);/g, (whole, name) => ENTITIES[name] ?? whole);
}

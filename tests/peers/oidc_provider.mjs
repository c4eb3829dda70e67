// A provider that is not ours, npm oidc-provider, on a free port of 127.0.0.1: `node oidc_provider.mjs OPTIONS`.
// OPTIONS is JSON: see `defaults`. It prints one line of JSON with its issuer when it is ready, tells at /test/journal
// what has happened, and ends with its standard input, so that none outlives the tests.

import { createServer } from "node:http";

import { Provider } from "oidc-provider";

import { bent, plain } from "./oidc_provider_shapes.mjs";
import { addTokenExchange } from "./oidc_provider_exchange.mjs";

const defaults = {
    shape: "bent", // or "plain": see oidc_provider_shapes.mjs
    origins: [], // of the pages
    pages: ["/"], // paths on them that the client registers
    slash: false, // whether the issuer ends with one, as Auth0's does
    webMessage: true, // for the bent shape
    par: false, // whether every request has to be pushed
    accessTokenLifetime: 600,
    dpopNonces: false, // whether every DPoP proof has to carry one
};
const options = { ...defaults, ...JSON.parse(process.argv[2] ?? "{}") };

function eventOf(name, values) {
    const error = values.find((value) => value instanceof Error);
    return error === undefined ? { name } : { name, error: error.error ?? error.name, detail: error.error_detail };
}

// Every exchange, and every event: the texts of errors are vague on purpose, what an event says of them is not.
function record(provider) {
    const journal = { exchanges: [], events: [] };
    const emit = provider.emit.bind(provider);
    provider.emit = (name, ...values) => {
        journal.events.push(eventOf(name, values));
        return emit(name, ...values);
    };
    provider.use(async (ctx, next) => {
        const { method, path, querystring: query } = ctx;
        if (path === "/test/journal") {
            ctx.body = JSON.stringify(journal);
            if (query === "clear") for (const list of Object.values(journal)) list.length = 0;
            return;
        }
        await next();
        const { body, status, response } = ctx;
        const [answer, location] = [response.is("json") ? body : {}, response.get("location")];
        journal.exchanges.push({ method, path, query, form: ctx.oidc?.body ?? {}, status, answer, location });
    });
}

// The older form of logout, which Auth0 has.
function addReturnTo(provider) {
    provider.use(async (ctx, next) => {
        if (ctx.path === "/v2/logout" && ctx.query.returnTo !== undefined) {
            const { returnTo, ...query } = ctx.query;
            ctx.query = { ...query, post_logout_redirect_uri: returnTo };
        }
        await next();
    });
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    const issuer = `http://127.0.0.1:${port}${options.slash ? "/" : ""}`;
    const configuration = (options.shape === "bent" ? bent : plain)({ ...options, port });
    const provider = new Provider(issuer, configuration);
    record(provider);
    if (options.shape === "bent") {
        addReturnTo(provider);
        addTokenExchange(provider, configuration);
    }
    server.on("request", provider.callback());
    console.log(JSON.stringify({ issuer }));
});

process.stdin.resume();
process.stdin.on("end", () => process.exit());

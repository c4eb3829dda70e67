// One flow of oauth4webapi against a provider: `node oauth4webapi.mjs ISSUER FLOW` prints one line of JSON for each
// step that was taken, and what came of it. Whatever that library does not like ends the script.

import * as oauth from "oauth4webapi";

import { Application } from "./application.mjs";
import { formWith, Person } from "./person.mjs";

const AUDIENCE = "https://api.example";
const ALICE = "user=alice";
const DEMO = { client: { client_id: "demo" } };
// The test registers this one with its provider.
const SERVER = { client: { client_id: "server" }, secret: "a server's secret & a sign" };
const INITIAL_ACCESS_TOKEN = "initial-access-token";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

const [issuer, flow] = process.argv.slice(2);
const server = await Application.discover(issuer);
const person = new Person(issuer);

function say(step, facts = {}) {
    console.log(JSON.stringify({ step, ...facts }));
}

async function logIn(application, more = {}) {
    const callback = await person.walk(application.address(await application.authorizationRequest(more)), ALICE);
    return application.exchangeCode(application.answer(callback));
}

// The error code that a promise fails with: of the answer, of the challenge in its header, or of its body.
async function refusal(promise) {
    try {
        await promise;
    } catch (error) {
        if (error.error) return error.error;
        if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
        return error.cause[0].parameters.error ?? (await error.response.json()).error;
    }
    return "";
}

// A call, once more if the server wanted a nonce: the library has kept the one that came with the refusal.
async function withNonce(step, call) {
    try {
        return await call();
    } catch (error) {
        if (!oauth.isDPoPNonceError(error)) throw error;
        say("nonce wanted", { for: step });
        return call();
    }
}

const FLOWS = {
    async code() {
        const other = await Application.discover(issuer, "oauth2");
        say("discovery", { iss: server.authorization_response_iss_parameter_supported, both: same(server, other) });
        const demo = new Application(server, DEMO);
        const tokens = await logIn(demo, { audience: AUDIENCE });
        say("tokens", { token_type: tokens.token_type, scope: tokens.scope, expires_in: tokens.expires_in });
        say("ID token", { sub: tokens.claims.sub });
        const { sub, name, email } = await demo.userinfo(tokens);
        say("userinfo", { sub, name, email });
        const claims = await demo.accessTokenClaims(tokens.access_token, AUDIENCE);
        say("access token", { sub: claims.sub, client_id: claims.client_id, scope: claims.scope });
    },

    async denied() {
        const demo = new Application(server, DEMO);
        const parameters = await demo.authorizationRequest();
        const callback = await person.walk(demo.address(parameters), "deny");
        say("denied", { error: await refusal((async () => demo.answer(callback))()) });
        parameters.set("prompt", "none");
        const silent = await person.walk(demo.address(parameters));
        say("silent", { error: await refusal((async () => demo.answer(silent))()) });
    },

    async formPost() {
        const demo = new Application(server, DEMO);
        const parameters = await demo.authorizationRequest({ response_mode: "form_post" });
        const { action, body } = formWith(await person.walk(demo.address(parameters), ALICE), "");
        const answer = new URLSearchParams(await oauth.formPostResponse(new Request(action, { method: "POST", body })));
        const tokens = await demo.exchangeCode(demo.answer(answer));
        say("tokens", { there: action === Application.callback, sub: tokens.claims.sub });
    },

    async refresh() {
        const demo = new Application(server, DEMO);
        const first = await logIn(demo, { scope: "openid offline_access" });
        const second = await demo.refresh(first.refresh_token);
        say("refreshed", {
            rotated: ![first.refresh_token, undefined].includes(second.refresh_token),
            renewed: second.access_token !== first.access_token,
            sub: second.claims.sub,
        });
        say("reused", { error: await refusal(demo.refresh(first.refresh_token)) });
        say("family", { error: await refusal(demo.refresh(second.refresh_token)) });
    },

    async dpop() {
        const key = oauth.DPoP(DEMO.client, await oauth.generateKeyPair("ES256"));
        const demo = new Application(server, { ...DEMO, options: { DPoP: key } });
        const more = { scope: "openid offline_access", dpop_jkt: await key.calculateThumbprint() };
        const callback = await person.walk(demo.address(await demo.authorizationRequest(more)), ALICE);
        const answer = demo.answer(callback);
        const tokens = await withNonce("code", () => demo.exchangeCode(answer));
        say("tokens", { token_type: tokens.token_type });
        const { sub } = await withNonce("userinfo", () => demo.userinfo(tokens));
        say("userinfo", { sub });
        say("without proof", { error: await refusal(demo.userinfo(tokens, { DPoP: undefined })) });
        const refreshed = await withNonce("refresh", () => demo.refresh(tokens.refresh_token));
        say("refreshed", { token_type: refreshed.token_type });
        const thief = new Application(server, {
            ...DEMO,
            options: { DPoP: oauth.DPoP(DEMO.client, await oauth.generateKeyPair("ES256")) },
        });
        const stolen = withNonce("another key", () => thief.refresh(refreshed.refresh_token));
        say("another key", { error: await refusal(stolen) });
    },

    async par() {
        const demo = new Application(server, DEMO);
        const parameters = await demo.authorizationRequest();
        const pushed = await demo.push(parameters);
        say("pushed", { expires_in: pushed.expires_in });
        const address = demo.address({ client_id: "demo", request_uri: pushed.request_uri });
        const tokens = await demo.exchangeCode(demo.answer(await person.walk(address, ALICE)));
        say("tokens", { sub: tokens.claims.sub });
        const plain = await person.walk(demo.address(parameters));
        say("not pushed", { error: plain.searchParams.get("error") });
    },

    async introspection() {
        const application = new Application(server, SERVER);
        const tokens = await logIn(application, { scope: "openid offline_access", audience: AUDIENCE });
        const access = await application.introspect(tokens.access_token);
        say("access token", { active: access.active, sub: access.sub, client_id: access.client_id });
        const refresh = await application.introspect(tokens.refresh_token);
        say("refresh token", { active: refresh.active, sub: refresh.sub });
        say("unknown", await application.introspect("unknown"));
    },

    async revocation() {
        const application = new Application(server, SERVER);
        const tokens = await logIn(application, { scope: "openid offline_access" });
        await application.revoke(tokens.refresh_token);
        say("revoked", { error: await refusal(application.refresh(tokens.refresh_token)) });
        say("access token", await application.introspect(tokens.access_token));
        await application.revoke("unknown");
        say("unknown");
    },

    async clientCredentials() {
        const application = new Application(server, SERVER);
        const tokens = await application.clientCredentials({ audience: AUDIENCE, scope: "read" });
        const claims = await application.accessTokenClaims(tokens.access_token, AUDIENCE);
        say("tokens", { token_type: tokens.token_type, sub: claims.sub, scope: claims.scope });
        const wrong = new Application(server, { ...SERVER, secret: "wrong" });
        say("wrong secret", { error: await refusal(wrong.clientCredentials({ audience: AUDIENCE })) });
    },

    async tokenExchange() {
        const demo = new Application(server, DEMO);
        const tokens = await logIn(demo, { audience: AUDIENCE });
        const exchanged = await demo.grant(TOKEN_EXCHANGE, {
            subject_token: tokens.access_token,
            subject_token_type: ACCESS_TOKEN,
            audience: "https://other.example",
        });
        const claims = await demo.accessTokenClaims(exchanged.access_token, "https://other.example");
        say("exchanged", { issued_token_type: exchanged.issued_token_type, sub: claims.sub });
    },

    async device() {
        const demo = new Application(server, DEMO);
        const device = await demo.authorizeDevice();
        say("device", { expires_in: device.expires_in, interval: device.interval });
        say("waiting", { error: await refusal(demo.exchangeDeviceCode(device.device_code)) });
        say("too soon", { error: await refusal(demo.exchangeDeviceCode(device.device_code)) });
        await person.walk(device.verification_uri_complete, "", ALICE, "approve");
        const tokens = await demo.exchangeDeviceCode(device.device_code);
        const claims = oauth.getValidatedIdTokenClaims(tokens);
        const { sub, name } = await demo.userinfo({ ...tokens, claims });
        say("tokens", { sub, name });
        say("again", { error: await refusal(demo.exchangeDeviceCode(device.device_code)) });
    },

    async registration() {
        const metadata = {
            client_name: "A new application",
            redirect_uris: [Application.callback],
            grant_types: ["authorization_code", "refresh_token"],
            token_endpoint_auth_method: "client_secret_basic",
        };
        say("without token", { error: await refusal(Application.register(server, metadata)) });
        const client = await Application.register(server, metadata, INITIAL_ACCESS_TOKEN);
        say("registered", { client_name: client.client_name, expires: client.client_secret_expires_at });
        const tokens = await logIn(new Application(server, { client, secret: client.client_secret }));
        say("tokens", { sub: tokens.claims.sub, ours: tokens.claims.aud === client.client_id });
        const open = { ...metadata, token_endpoint_auth_method: "none" };
        const page = await Application.register(server, open, INITIAL_ACCESS_TOKEN);
        const more = await logIn(new Application(server, { client: page }), { prompt: "login" });
        say("without secret", { secret: "client_secret" in page, ours: more.claims.aud === page.client_id });
    },
};

function same(one, other) {
    return JSON.stringify(one) === JSON.stringify(other);
}

await FLOWS[flow]();

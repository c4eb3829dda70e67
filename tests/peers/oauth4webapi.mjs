// One flow of oauth4webapi against a provider: `node oauth4webapi.mjs ISSUER FLOW` prints one line of JSON for each
// step that was taken, and what came of it. Whatever that library does not like ends the script.

import * as oauth from "oauth4webapi";

import { Person } from "./person.mjs";

const REDIRECT_URI = "http://127.0.0.1:9/callback";
const SCOPE = "openid profile email";
const INSECURE = { [oauth.allowInsecureRequests]: true };
const PUBLIC = oauth.None();
const DEMO = { client_id: "demo" };

const [issuer, flow] = process.argv.slice(2);
const person = new Person(issuer);

function say(step, facts = {}) {
    console.log(JSON.stringify({ step, ...facts }));
}

async function discover() {
    const response = await oauth.discoveryRequest(new URL(issuer), INSECURE);
    return oauth.processDiscoveryResponse(new URL(issuer), response);
}

async function authorizationRequest(client, more = {}) {
    const secrets = {
        verifier: oauth.generateRandomCodeVerifier(),
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
    };
    const parameters = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: REDIRECT_URI,
        response_type: "code",
        scope: SCOPE,
        state: secrets.state,
        nonce: secrets.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(secrets.verifier),
        code_challenge_method: "S256",
        ...more,
    });
    return { parameters, secrets };
}

function authorizationAddress(server, parameters) {
    const address = new URL(server.authorization_endpoint);
    address.search = parameters;
    return address;
}

async function codeGrant(server, client, authentication, callback, secrets, options = {}) {
    const response = await oauth.authorizationCodeGrantRequest(
        server, client, authentication, callback, REDIRECT_URI, secrets.verifier, { ...INSECURE, ...options },
    );
    const expected = { expectedNonce: secrets.nonce, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
    // A signature that a token endpoint vouches for need not be checked (OpenID Connect Core 3.1.3.7); here it is.
    await oauth.validateApplicationLevelSignature(server, response, INSECURE);
    return tokens;
}

async function logIn(server, client = DEMO, authentication = PUBLIC, more = {}) {
    const { parameters, secrets } = await authorizationRequest(client, more);
    const callback = await person.walk(authorizationAddress(server, parameters), { user: "alice" });
    const answer = oauth.validateAuthResponse(server, client, callback, secrets.state);
    return codeGrant(server, client, authentication, answer, secrets);
}

async function refresh(server, client, refreshToken, options = {}) {
    const response = await oauth.refreshTokenGrantRequest(
        server, client, PUBLIC, refreshToken, { ...INSECURE, ...options },
    );
    return oauth.processRefreshTokenResponse(server, client, response);
}

async function userinfo(server, client, tokens, options = {}) {
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const response = await oauth.userInfoRequest(server, client, tokens.access_token, { ...INSECURE, ...options });
    return oauth.processUserInfoResponse(server, client, sub, response);
}

// The error code that a promise fails with.
async function refusal(promise) {
    try {
        await promise;
    } catch (error) {
        return error.error ?? error.code ?? String(error);
    }
    return "";
}

const FLOWS = {
    async code() {
        const server = await discover();
        say("discovery", { iss: server.authorization_response_iss_parameter_supported });
        const tokens = await logIn(server);
        say("tokens", { token_type: tokens.token_type, scope: tokens.scope, expires_in: tokens.expires_in });
        say("id_token", { sub: oauth.getValidatedIdTokenClaims(tokens).sub });
        const { sub, name, email } = await userinfo(server, DEMO, tokens);
        say("userinfo", { sub, name, email });
    },

    async denied() {
        const server = await discover();
        const { parameters, secrets } = await authorizationRequest(DEMO);
        const callback = await person.walk(authorizationAddress(server, parameters), { deny: "1" });
        const answer = async () => oauth.validateAuthResponse(server, DEMO, callback, secrets.state);
        say("denied", { error: await refusal(answer()) });
        parameters.set("prompt", "none");
        const silent = await person.walk(authorizationAddress(server, parameters));
        say("silent", { error: silent.searchParams.get("error") });
    },

    async refresh() {
        const server = await discover();
        const first = await logIn(server, DEMO, PUBLIC, { scope: `${SCOPE} offline_access` });
        const second = await refresh(server, DEMO, first.refresh_token);
        say("refreshed", {
            rotated: ![first.refresh_token, undefined].includes(second.refresh_token),
            renewed: second.access_token !== first.access_token,
            sub: oauth.getValidatedIdTokenClaims(second).sub,
        });
        say("reused", { error: await refusal(refresh(server, DEMO, first.refresh_token)) });
        say("family", { error: await refusal(refresh(server, DEMO, second.refresh_token)) });
    },
};

await FLOWS[flow]();

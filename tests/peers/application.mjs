// An application that does everything with oauth4webapi: each method is one request, judged by that library.

import * as oauth from "oauth4webapi";

const INSECURE = { [oauth.allowInsecureRequests]: true }; // http, on loopback
const CALLBACK = "http://127.0.0.1:9/callback"; // nobody listens there, and nobody asks
const SCOPE = "openid profile email";

export class Application {
    constructor(server, { client, secret, options = {} }) {
        this.server = server;
        this.client = client;
        this.authentication = secret === undefined ? oauth.None() : oauth.ClientSecretBasic(secret);
        this.options = { ...INSECURE, ...options };
    }

    static callback = CALLBACK;

    static async discover(issuer, algorithm = "oidc") {
        const response = await oauth.discoveryRequest(new URL(issuer), { ...INSECURE, algorithm });
        return oauth.processDiscoveryResponse(new URL(issuer), response);
    }

    static async register(server, metadata, initialAccessToken) {
        const options = { ...INSECURE, initialAccessToken };
        const response = await oauth.dynamicClientRegistrationRequest(server, metadata, options);
        return oauth.processDynamicClientRegistrationResponse(response);
    }

    // The parameters of a new authorization request; what is kept for its answer is kept here.
    async authorizationRequest(more = {}) {
        this.kept = {
            verifier: oauth.generateRandomCodeVerifier(),
            state: oauth.generateRandomState(),
            nonce: oauth.generateRandomNonce(),
        };
        return new URLSearchParams({
            client_id: this.client.client_id,
            redirect_uri: CALLBACK,
            response_type: "code",
            scope: SCOPE,
            state: this.kept.state,
            nonce: this.kept.nonce,
            code_challenge: await oauth.calculatePKCECodeChallenge(this.kept.verifier),
            code_challenge_method: "S256",
            ...more,
        });
    }

    address(parameters) {
        const address = new URL(this.server.authorization_endpoint);
        address.search = new URLSearchParams(parameters);
        return address;
    }

    answer(parameters) {
        return oauth.validateAuthResponse(this.server, this.client, parameters, this.kept.state);
    }

    async push(parameters) {
        const response = await oauth.pushedAuthorizationRequest(...this.#first, parameters, this.options);
        return oauth.processPushedAuthorizationResponse(this.server, this.client, response);
    }

    async exchangeCode(answer) {
        const { verifier, nonce } = this.kept;
        const response = await oauth.authorizationCodeGrantRequest(
            ...this.#first, answer, CALLBACK, verifier, this.options,
        );
        const expected = { expectedNonce: nonce, requireIdToken: true };
        const tokens = await oauth.processAuthorizationCodeResponse(this.server, this.client, response, expected);
        // OpenID Connect Core 3.1.3.7 lets a client trust its TLS connection instead; here the signature is checked.
        await oauth.validateApplicationLevelSignature(this.server, response, INSECURE);
        return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
    }

    async refresh(refreshToken) {
        const response = await oauth.refreshTokenGrantRequest(...this.#first, refreshToken, this.options);
        const tokens = await oauth.processRefreshTokenResponse(this.server, this.client, response);
        return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
    }

    async clientCredentials(parameters) {
        const response = await oauth.clientCredentialsGrantRequest(...this.#first, parameters, this.options);
        return oauth.processClientCredentialsResponse(this.server, this.client, response);
    }

    async grant(grantType, parameters) {
        const response = await oauth.genericTokenEndpointRequest(
            ...this.#first, grantType, parameters, this.options,
        );
        return oauth.processGenericTokenEndpointResponse(this.server, this.client, response);
    }

    async authorizeDevice() {
        const response = await oauth.deviceAuthorizationRequest(...this.#first, { scope: SCOPE }, this.options);
        return oauth.processDeviceAuthorizationResponse(this.server, this.client, response);
    }

    async exchangeDeviceCode(deviceCode) {
        const response = await oauth.deviceCodeGrantRequest(...this.#first, deviceCode, this.options);
        return oauth.processDeviceCodeResponse(this.server, this.client, response);
    }

    async userinfo(tokens, options = {}) {
        const { server, client } = this;
        const response = await oauth.userInfoRequest(server, client, tokens.access_token, {
            ...this.options, ...options,
        });
        return oauth.processUserInfoResponse(server, client, tokens.claims.sub, response);
    }

    async introspect(token) {
        const response = await oauth.introspectionRequest(...this.#first, token, this.options);
        return oauth.processIntrospectionResponse(this.server, this.client, response);
    }

    async revoke(token) {
        const response = await oauth.revocationRequest(...this.#first, token, this.options);
        return oauth.processRevocationResponse(response);
    }

    // The claims of an access token, as an API of that audience sees them (RFC 9068).
    async accessTokenClaims(token, audience) {
        const request = new Request("https://api.example/items", { headers: { authorization: `Bearer ${token}` } });
        return oauth.validateJwtAccessToken(this.server, request, audience, INSECURE);
    }

    get #first() {
        return [this.server, this.client, this.authentication];
    }
}

// Two shapes of npm oidc-provider: `plain` as its authors hand it out, `bent` until it behaves like Auth0.

import { createHash, generateKeyPairSync } from "node:crypto";

import { errors, interactionPolicy } from "oidc-provider";

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPES = ["openid", "profile", "email", "offline_access"];
const API_SCOPE = "read:notes write:notes";
const USERS = {
    alice: { name: "Alice Example", email: "alice@example.test", email_verified: true, org_id: "org_acme" },
    bob: { name: "Bob Example", email: "bob@example.test", email_verified: false },
};

// What stays out of the way of a test in either shape.
function common({ port, origins, pages, par, dpopNonces, accessTokenLifetime }, { grants, apiScope }) {
    const uris = origins.flatMap((origin) => pages.map((path) => `${origin}${path}`));
    return {
        jwks: { keys: [key("RS256", "rsa", { modulusLength: 2048 }), key("ES256", "ec", { namedCurve: "P-256" })] },
        clients: [application(uris, grants), api()],
        scopes: SCOPES,
        claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
        findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...(USERS[id] ?? {}) }) }),
        // Cookies do not know ports: a second provider on this host would overwrite them.
        cookies: { keys: ["one"], names: cookieNames(port) },
        clientBasedCORS: (ctx, origin) => origins.includes(origin),
        // The one of the library refuses addresses of this machine.
        fetch: (url, { dispatcher, ...rest }) => fetch(url, rest),
        ttl: {
            AccessToken: accessTokenLifetime, AuthorizationCode: 60, ClientCredentials: 600, DeviceCode: 300,
            Grant: 86400, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 86400,
        }, // prettier-ignore
        features: {
            devInteractions: { enabled: true },
            clientCredentials: { enabled: true },
            revocation: { enabled: true },
            introspection: { enabled: true },
            pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: par },
            dPoP: { enabled: true, nonceSecret: secret("nonces"), requireNonce: () => dpopNonces },
            resourceIndicators: {
                enabled: true,
                getResourceServerInfo: (ctx, resource) => resourceServer(resource, apiScope, accessTokenLifetime),
            },
        },
    };
}

// Own addresses, `resource` and no `audience`, thin ID tokens, no web_message, a page for consent and one for logout.
export function plain(options) {
    return common(options, { grants: [], apiScope: API_SCOPE });
}

// The addresses of Auth0, its `audience`, claims in ID tokens, web_message, no consent, logout without a question.
export function bent(options) {
    const apiScope = [...SCOPES, API_SCOPE].join(" ");
    const base = common(options, { grants: [TOKEN_EXCHANGE, DEVICE_CODE], apiScope });
    return {
        ...base,
        claims: { ...base.claims, org_id: null, sid: null, auth_time: null, acr: null },
        conformIdTokenClaims: false,
        routes: {
            authorization: "/authorize",
            token: "/oauth/token",
            revocation: "/oauth/revoke",
            userinfo: "/userinfo",
            jwks: "/.well-known/jwks.json",
            end_session: options.slash ? "/v2/logout" : "/oidc/logout",
            pushed_authorization_request: "/oauth/par",
            device_authorization: "/oauth/device/code",
            code_verification: "/activate",
            introspection: "/oauth/introspect",
        },
        extraParams: ["audience", "organization", "connection", "invitation", "screen_hint"],
        rotateRefreshToken: true,
        issueRefreshToken: (ctx, client, code) =>
            client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
        extraTokenClaims: (ctx, token) =>
            token.kind === "AccessToken" ? { azp: token.clientId, gty: token.gty } : undefined,
        interactions: { policy: keepingOfflineAccess() },
        loadExistingGrant: grantEverything,
        features: {
            ...base.features,
            webMessageResponseMode: options.webMessage
                ? { enabled: true, ack: "individual-draft-01" }
                : { enabled: false },
            claimsParameter: { enabled: true },
            deviceFlow: { enabled: true },
            registration: { enabled: true },
            registrationManagement: { enabled: true },
            backchannelLogout: { enabled: true },
            rpInitiatedLogout: { enabled: true, logoutSource: confirmByScript },
            resourceIndicators: {
                ...base.features.resourceIndicators,
                defaultResource: (ctx, client, oneOf) => oneOf?.[0] ?? ctx.oidc.params.audience,
                // The token endpoint is not told the audience again.
                useGrantedResource: () => true,
            },
        },
    };
}

function key(alg, type, options) {
    const jwk = generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
    return { ...jwk, use: "sig", alg, kid: alg };
}

function secret(text) {
    return createHash("sha256").update(text).digest();
}

function cookieNames(port) {
    const names = ["session", "interaction", "resume"];
    return Object.fromEntries(names.map((name) => [name, `op${port}_${name}`]));
}

function application(uris, grants) {
    return {
        client_id: "spa",
        application_type: "web",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token", ...grants],
        response_types: ["code"],
        redirect_uris: uris,
        post_logout_redirect_uris: uris,
    };
}

function api() {
    return {
        client_id: "api",
        client_secret: "the secret of an API",
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
        token_endpoint_auth_method: "client_secret_basic",
    };
}

function resourceServer(resource, scope, accessTokenTTL) {
    if (!resource.startsWith("https://api.")) throw new errors.InvalidTarget();
    return {
        scope,
        audience: resource,
        accessTokenFormat: "jwt",
        accessTokenTTL,
        jwt: { sign: { alg: "RS256" } },
    };
}

// "offline_access" counts only with prompt=consent (OpenID Connect Core 1.0 section 11), which Auth0 does not ask of
// applications of its own house. This check runs after `grantEverything`, which therefore grants it unasked.
function keepingOfflineAccess() {
    const policy = interactionPolicy.base();
    const check = new interactionPolicy.Check("offline_access", "is kept", ({ oidc, query }) => {
        const asked = (query?.scope ?? oidc.body?.scope ?? "").split(" ");
        if (asked.includes("offline_access") && !oidc.requestParamScopes.has("offline_access")) {
            oidc.params.scope += " offline_access";
        }
        return interactionPolicy.Check.NO_NEED_TO_PROMPT;
    });
    policy.add(new interactionPolicy.Prompt({ name: "offline_access", requestable: false }, check), 0);
    return policy;
}

async function grantEverything({ oidc }) {
    const { client, provider, resourceServers, result, session } = oidc;
    const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
    const found = id && (await provider.Grant.find(id));
    const grant = found || new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(SCOPES.join(" "));
    for (const [resource, server] of Object.entries(resourceServers ?? {})) {
        grant.addResourceScope(resource, [...server.scopes].join(" "));
    }
    await grant.save();
    return grant;
}

function confirmByScript(ctx, form) {
    const confirmed = form.replace("</form>", '<input type="hidden" name="logout" value="yes"></form>');
    ctx.body = `<!doctype html><title>Logout</title>${confirmed}<script>document.forms[0].submit()</script>`;
}

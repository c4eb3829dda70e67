// Token exchange (RFC 8693), which npm oidc-provider leaves to its users: an ID token of its own, or a name of a user,
// for an access token.

import { errors } from "oidc-provider";

import { TOKEN_EXCHANGE } from "./oidc_provider_shapes.mjs";

const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const NAME = "urn:example:user"; // the token is the name itself
const PARAMETERS = [
    "actor_token", "actor_token_type", "audience", "organization", "requested_token_type", "resource", "scope",
    "subject_token", "subject_token_type",
]; // prettier-ignore

export function addTokenExchange(provider, configuration) {
    const { getResourceServerInfo } = configuration.features.resourceIndicators;

    async function subject({ client, params }) {
        if (!params.subject_token) throw new errors.InvalidRequest("subject_token is missing");
        if (params.subject_token_type === NAME) return params.subject_token;
        if (params.subject_token_type !== ID_TOKEN) throw new errors.InvalidRequest("unknown subject_token_type");
        return (await provider.IdToken.validate(params.subject_token, client)).payload.sub;
    }

    async function exchange(ctx) {
        const { client, params } = ctx.oidc;
        const accountId = await subject(ctx.oidc);
        const scope = params.scope || "openid";
        const resource = params.resource || params.audience;
        const grant = new provider.Grant({ clientId: client.clientId, accountId });
        grant.addOIDCScope(scope);
        const token = new provider.AccessToken({ accountId, client, scope, gty: "token_exchange" });
        if (resource) {
            token.resourceServer = new provider.ResourceServer(resource, await getResourceServerInfo(ctx, resource));
            grant.addResourceScope(resource, params.scope || "");
        }
        token.grantId = await grant.save();
        ctx.oidc.entity("AccessToken", token);
        ctx.body = {
            access_token: await token.save(),
            issued_token_type: ACCESS_TOKEN,
            token_type: token.tokenType,
            expires_in: token.expiration,
            scope,
        };
    }

    provider.registerGrantType(TOKEN_EXCHANGE, exchange, PARAMETERS, ["audience", "resource"]);
}

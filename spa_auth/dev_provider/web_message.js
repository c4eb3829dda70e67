// Posts the authorization response to the page that opened this one, or that holds it in a frame.
// The second argument is the exact origin of the redirect_uri: no other page can read the message.
const { origin, response } = document.getElementById("response").dataset;
const application = window.parent === window ? window.opener : window.parent;
application?.postMessage({ type: "authorization_response", response: JSON.parse(response) }, origin);

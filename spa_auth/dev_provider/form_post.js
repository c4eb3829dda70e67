// Sends the authorization response to the application, as its noscript button would.
document.getElementById("response").submit();

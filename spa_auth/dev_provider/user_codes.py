"""The codes that devices show and users type (RFC 8628 section 6.1), and how often one may guess (section 5.1)."""

from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.memory import MAX_WRONG_USER_CODES
from spa_auth.dev_provider.records import DeviceCode, WrongUserCode
from spa_auth.dev_provider.service import Service
from spa_auth.protocol import base64url

# RFC 8628 section 6.1 suggests these: no vowels, so that no words come about, and nothing that looks like a digit.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
# Wrong codes are forgotten after that many seconds.
MEMORY = 60


class WrongUserCodeError(EndpointError):
    """Nobody waits with that code, or too many wrong ones were typed; the page asks again."""


def new_user_code(service: Service) -> str:
    """A code in the form in which it is compared: 8 of 20 consonants, 34.5 bits."""
    number = int.from_bytes(base64url.decode(service.secret()), "big")
    return "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(LENGTH))


def shown_user_code(user_code: str) -> str:
    """A code as people read it: XXXX-XXXX."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def compared_user_code(typed: str) -> str:
    """A typed code in the form in which it is compared: without case, spaces and punctuation."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def find_device(service: Service, typed: str) -> DeviceCode:
    """The device that waits with the code that somebody typed.

    Raises:
        WrongUserCodeError: There is none (any more), or so many codes were wrong that nobody may guess for a while.
    """
    if len(list(service.wrong_user_codes)) >= MAX_WRONG_USER_CODES:
        raise WrongUserCodeError("slow_down", "Too many codes were wrong. Wait a minute, then try again.", status=429)
    user_code = compared_user_code(typed)
    found = next((device for device in service.device_codes if device.user_code == user_code), None)
    if found is None or not is_waiting(service, found):
        service.wrong_user_codes.put(WrongUserCode(key=service.secret()), service.now() + MEMORY)
        raise WrongUserCodeError("invalid_request", "No device waits with this code: it is wrong, used, or expired.")
    return found


def is_waiting(service: Service, device: DeviceCode) -> bool:
    """Whether nobody has answered for a device yet, and it has not expired."""
    return device.grant_id is None and not device.denied and service.now() < device.expires_at

"""What in a text belongs to a person: e-mail and IP addresses, telephone numbers, bank accounts.

Precise rather than complete: addresses of examples, of roles (`info@`) and of private networks are nobody's, a
telephone number needs its country, a bank account its check digits.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

Kind = Literal["e-mail address", "telephone number", "IP address", "bank account (IBAN)", "position in EXIF"]

MAX_LENGTH = 100_000  # characters of a text that are searched

_EMAIL = re.compile(
    r"(?<![\w.+%/:@-])([A-Za-z0-9][\w.+%-]{0,62})@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,12})(?![\w@-])",
    re.ASCII,
)
# RFC 2606 and 6761, and what people write in their place.
_NOBODYS = re.compile(
    r"(?:^|\.)(?:example|examples?\.\w+|test|invalid|localhost|local|domain\.com|email\.com|mail\.com|company\.com|"
    r"yourdomain\.\w+|mydomain\.\w+|acme\.\w+|foo\.\w+|bar\.com|abc\.com|xyz\.com|noreply\.github\.com|"
    r"png|jpe?g|gif|svg|webp|js|css|py|ts|html|json|md)$"
)
_ROLES = re.compile(
    r"(?:info|support|contact|sales|admin|administrator|help|helpdesk|hello|team|press|media|privacy|security|abuse|office|"
    r"webmaster|postmaster|hostmaster|root|git|noreply|no-reply|donotreply|do-not-reply|service|feedback|jobs|careers|"
    r"enquiries|inquiries|marketing|billing|newsletter|news|subscribe|unsubscribe|mail|email|user|username|name|"
    r"your\.?-?_?(?:name|email|mail)|you|me|someone|somebody|john\.?doe|jane\.?doe|test\w*|example\w*|foo|bar|abc|xxx+)\d*",
    re.IGNORECASE,
)
_IP = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)", re.ASCII)
_SAYS_IP = re.compile(r"\b(?:ip|ipv4|addr|address|host|client|remote_addr)\b[^.\n]{0,20}$", re.IGNORECASE)
# Country codes of E.164 by their digits.
_COUNTRY = (
    r"(?:1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|"
    r"2[1-69]\d|3[578]\d|42\d|5[09]\d|6[789]\d|8[058]\d|9[679]\d)"
)
_PHONE = re.compile(
    rf"(?<![\w+.)])\+{_COUNTRY}[ .-]?(?:\(0?\d{{1,4}}\)[ .-]?)?\d{{2,5}}(?:[ .-]\d{{2,5}}){{1,4}}(?![\w.,-]*\d)"
)
_FICTION = re.compile(r"555")  # numbers of films and manuals
_IBAN = re.compile(r"(?<!\w)([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)(?!\w)", re.ASCII)
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IT": 27, "LT": 20, "LU": 20, "LV": 21, "MT": 31,
    "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "TR": 26, "UA": 29,
}  # fmt: skip
# Accounts of standards and manuals.
_SAMPLE_IBANS = frozenset(
    {
        "DE89370400440532013000", "GB82WEST12345698765432", "GB29NWBK60161331926819", "FR1420041010050500013M02606",
        "NL91ABNA0417164300", "BE68539007547034", "CH9300762011623852957", "AT611904300234573201",
        "ES9121000418450200051332", "IT60X0542811101000000123456", "DE75512108001245126199", "FR7630006000011234567890189",
        "GB33BUKB20201555555555", "DK5000400440116243", "NO9386011117947", "SE4550000000058398257466",
        "PL61109010140000071219812874", "IE29AIBK93115212345678", "FI2112345600000785", "LU280019400644750000",
    }
)  # fmt: skip


def find_personal(text: str) -> set[Kind]:
    """The kinds of personal data that a text holds."""
    text = text[:MAX_LENGTH]
    found: set[Kind] = set()
    if "@" in text and any(_is_persons(match) for match in _EMAIL.finditer(text)):
        found.add("e-mail address")
    if "+" in text and any(_is_phone(match[0]) for match in _PHONE.finditer(text)):
        found.add("telephone number")
    if any(_is_account(match[1]) for match in _IBAN.finditer(text)):
        found.add("bank account (IBAN)")
    if "." in text and any(_is_public(text, match) for match in _IP.finditer(text)):
        found.add("IP address")
    return found


def _is_persons(match: re.Match[str]) -> bool:
    return not _NOBODYS.search(match[2].lower()) and not _ROLES.fullmatch(match[1])


def _is_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    groups = re.split(r"\D+", text.strip("+"))
    invented = _FICTION.search(text) or "12345" in digits or "0000" in digits or len(set(digits)) < 4
    return 9 <= len(digits) <= 15 and not invented and any(len(group) >= 3 for group in groups)


def _is_account(text: str) -> bool:
    """ISO 7064, mod 97: the country and check digits moved to the end, letters as two digits, leave 1."""
    plain = text.replace(" ", "")
    if len(plain) != _IBAN_LENGTHS.get(plain[:2]) or plain in _SAMPLE_IBANS:
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def _is_public(text: str, match: re.Match[str]) -> bool:
    """Four numbers with dots may be a version: the words before must speak of an address."""
    if not _SAYS_IP.search(text[max(0, match.start() - 40) : match.start()]):
        return False
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return False
    return address.is_global and match[0] not in ("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.2.3.4")

"""Names as the cluster makes them: hashes and suffixes in the alphabet without vowels.

The value of a template hash is not the real one (that is Go's memory layout, hashed), but its
alphabet and its length are, so that whatever parses names sees what production shows.
"""

import json
import random

from sandbox.objects import Object

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_NAME_BASE_MAX = 63 - _SUFFIX_LENGTH
_FNV32_OFFSET, _FNV32_PRIME = 0x811C9DC5, 0x01000193


def template_hash(template: Object, collisions: int) -> str:
    """The pod-template-hash: a decimal uint32, mapped into the safe alphabet."""
    material = json.dumps(template, sort_keys=True) + (str(collisions) if collisions else "")
    value = _FNV32_OFFSET
    for byte in material.encode():
        value = ((value ^ byte) * _FNV32_PRIME) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(value))


def random_suffix() -> str:
    """Five characters, as `generateName` appends."""
    return "".join(random.choices(_ALPHABET, k=_SUFFIX_LENGTH))  # noqa: S311 - a name


def generated_name(prefix: str) -> str:
    """A name from a `generateName`; a long prefix is cut as the real server does."""
    return prefix[:_NAME_BASE_MAX] + random_suffix()

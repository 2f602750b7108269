"""Who uses the app, as far as limits need to know."""

import hashlib

import streamlit as st


def who() -> str:
    """Who this is, for limits only: the e-mail address of a login where there is one, else the browser, else the session."""
    email = getattr(st.user, "email", None)
    browser = _unmasked(st.context.cookies.get("_streamlit_xsrf", "")) or str(id(st.session_state))
    return str(email) if email else hashlib.sha256(browser.encode()).hexdigest()[:12]


def _unmasked(cookie: str) -> str:
    """What stays the same in the cookie, which each answer of the server masks anew: `2|mask|masked|time`, in hexadecimal."""
    try:
        _, mask, masked, _ = cookie.strip("\"'").split("|")
        key = bytes.fromhex(mask)
        return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(bytes.fromhex(masked))).hex()
    except (ValueError, ZeroDivisionError):
        return ""

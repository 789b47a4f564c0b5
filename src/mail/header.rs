//! What must happen to a value before it may stand in a header (email-requirements M5).

use unicode_normalization::UnicodeNormalization;

/// The longest display name we write, in characters.
pub const MAX_DISPLAY_NAME: usize = 70;
/// The longest subject we write, in characters.
pub const MAX_SUBJECT: usize = 200;

/// The value in NFC, with control characters and bidi overrides made spaces.
///
/// Runs of white space become one space and the ends are trimmed, so that
/// `"Anna\r\nBcc: x@y"` becomes the harmless `"Anna Bcc: x@y"`. At most
/// `max_chars` characters are kept, cut at a character boundary.
pub fn clean(value: &str, max_chars: usize) -> String {
    let mut cleaned = String::with_capacity(value.len().min(max_chars * 4));
    let mut count = 0;
    let mut pending_space = false;
    for c in value.nfc() {
        if c.is_whitespace() || is_unsafe(c) {
            pending_space = !cleaned.is_empty();
            continue;
        }
        if count + usize::from(pending_space) >= max_chars {
            break;
        }
        if pending_space {
            cleaned.push(' ');
            count += 1;
            pending_space = false;
        }
        cleaned.push(c);
        count += 1;
    }
    cleaned
}

/// A display name fit for a header; `None` when nothing is left of it.
pub fn display_name(name: &str) -> Option<String> {
    let cleaned = clean(name, MAX_DISPLAY_NAME);
    (!cleaned.is_empty()).then_some(cleaned)
}

/// A subject fit for a header.
pub fn subject(text: &str) -> String {
    clean(text, MAX_SUBJECT)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether `name` may be set as a custom header (email-requirements M6).
///
/// Only `[!-9;-~]+`, at most 76 octets, and none of the headers afternote writes itself.
pub fn is_custom_name(name: &str) -> bool {
    const RESERVED: [&str; 12] = [
        "to",
        "from",
        "cc",
        "bcc",
        "sender",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "return-path",
        "received",
        "dkim-signature",
    ];
    let lower = name.to_ascii_lowercase();
    (1..=76).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'!'..=b'9' | b';'..=b'~'))
        && !RESERVED.contains(&lower.as_str())
        && !lower.starts_with("content-")
        && lower != "mime-version"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_bidi_overrides_become_single_spaces() {
        assert_eq!(
            clean("Anna\r\nBcc: x@example.com", 70),
            "Anna Bcc: x@example.com"
        );
        assert_eq!(
            clean("  a\u{0}\u{7f}\u{85}b\u{202e}c\u{2066} ", 70),
            "a b c"
        );
    }

    #[test]
    fn names_are_composed_and_cut() {
        assert_eq!(clean("Łucja Zdroje\u{301}w", 70), "Łucja Zdrojéw");
        assert_eq!(clean("ab cd", 3), "ab");
        assert_eq!(clean("abcd", 3), "abc");
        assert_eq!(display_name(" \u{202d}\r\n "), None);
    }

    #[test]
    fn reserved_and_malformed_header_names_are_refused() {
        assert!(is_custom_name("X-Shop-Campaign"));
        for name in [
            "",
            "Subject",
            "MIME-Version",
            "Content-Type",
            "X Y",
            "X:Y",
            "Zażółć",
            &"x".repeat(77),
        ] {
            assert!(!is_custom_name(name), "{name}");
        }
    }
}

//! What of a finished mail the timeline shows.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

/// The subject of a mail as a reader sees it.
///
/// Reads what we write: a folded header of plain text and base64 words in UTF-8.
pub(super) fn subject(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let value = unfolded
        .lines()
        .find_map(|line| line.strip_prefix("Subject: "))
        .unwrap_or_default();
    decode(value)
}

fn decode(value: &str) -> String {
    let mut decoded = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        match encoded_word(word) {
            Some(text) => {
                // Spaces between two encoded words only separate them.
                if !decoded.is_empty() && !was_encoded {
                    decoded.push(' ');
                }
                decoded.push_str(&text);
                was_encoded = true;
            }
            None => {
                if !decoded.is_empty() {
                    decoded.push(' ');
                }
                decoded.push_str(word);
                was_encoded = false;
            }
        }
    }
    decoded
}

fn encoded_word(word: &str) -> Option<String> {
    let octets = word.strip_prefix("=?utf-8?B?")?.strip_suffix("?=")?;
    String::from_utf8(BASE64.decode(octets).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let raw = format!("From: a@shop.example\r\n{header}\r\nTo: b\r\n\r\nSubject: no\r\n");
        assert_eq!(subject(raw.as_bytes()), expected, "{header}");
    }

    #[test]
    fn subjects_read_as_they_were_meant() {
        check(
            "Subject: Order 1001 is on\r\n its way",
            "Order 1001 is on its way",
        );
        check("Subject: =?utf-8?B?R3LDvMOfZQ==?=", "Grüße");
        check(
            "Subject: =?utf-8?B?R3LDvA==?=\r\n =?utf-8?B?w59l?=",
            "Grüße",
        );
        check("X-Subject: none", "");
    }
}

//! Reading the relay's replies, and making their text safe to store.

use crate::mail::Address;

/// The most characters of a reply that are kept (email-requirements D5).
pub const MAX_REPLY_CHARS: usize = 500;

/// One reply: a code, an enhanced code where it begins with one, and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The basic code, 200 to 599.
    pub code: u16,
    /// The enhanced code (RFC 3463) the text begins with.
    pub enhanced: Option<Enhanced>,
    /// The lines without code and enhanced code.
    pub lines: Vec<String>,
}

/// An enhanced status code: class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl Enhanced {
    /// Reads `5.1.1`.
    pub fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |part: &str| -> Option<u16> {
            let is_number =
                (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| part.parse().ok()).flatten()
        };
        let class = match class {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        parts.next().is_none().then_some(())?;
        Some(Self(class, number(subject)?, number(detail)?))
    }
}

impl std::fmt::Display for Enhanced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the octets read so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// More octets are needed.
    Incomplete,
    /// No SMTP reply.
    Malformed,
    /// A reply, and how many octets it took.
    Complete(Reply, usize),
}

/// Reads the first reply in `octets`.
pub fn parse(octets: &[u8]) -> Parsed {
    let mut at = 0;
    let mut code = None;
    let mut enhanced = None;
    let mut lines = Vec::new();
    loop {
        let Some(end) = octets[at..].iter().position(|&b| b == b'\n') else {
            return Parsed::Incomplete;
        };
        let line = &octets[at..at + end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at += end + 1;
        let Some((line_code, is_last, text)) = parse_line(line) else {
            return Parsed::Malformed;
        };
        if *code.get_or_insert(line_code) != line_code {
            return Parsed::Malformed;
        }
        let text = String::from_utf8_lossy(text);
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        if let Some(found) = Enhanced::parse(word) {
            enhanced.get_or_insert(found);
            lines.push(rest.to_owned());
        } else {
            lines.push(text.into_owned());
        }
        if is_last {
            let reply = Reply {
                code: line_code,
                enhanced,
                lines,
            };
            return Parsed::Complete(reply, at);
        }
    }
}

/// The code of a line, whether the reply ends with it, and its text.
fn parse_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    if !code.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&code[0]) {
        return None;
    }
    let code = code
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

impl Reply {
    /// The lines as one text, not yet safe to store.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// A reply's text as it may be stored: no addresses, no control characters, at most
/// [`MAX_REPLY_CHARS`] characters (email-requirements D5, P4).
pub fn scrub(text: &str, recipient: Option<&Address>) -> String {
    let mut scrubbed = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !scrubbed.is_empty() {
            scrubbed.push(' ');
        }
        scrub_word(word, recipient, &mut scrubbed);
    }
    scrubbed
        .chars()
        .filter(|c| !is_bidi(*c))
        .take(MAX_REPLY_CHARS)
        .collect()
}

const HIDDEN: &str = "(address)";

fn scrub_word(word: &str, recipient: Option<&Address>, out: &mut String) {
    let mut rest = word;
    while !rest.is_empty() {
        // Separators cannot be part of an address; everything between two of them is judged whole.
        let is_separator = |c: char| {
            matches!(
                c,
                '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | '"' | '\'' | ':'
            )
        };
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        let names_recipient = recipient.is_some_and(|address| {
            let piece = piece.trim_end_matches('.').to_lowercase();
            let local = address.local_part().to_lowercase();
            local == piece || local.len() >= 4 && piece.contains(&local)
        });
        out.push_str(if piece.contains('@') || names_recipient {
            HIDDEN
        } else {
            piece
        });
        let separator = tail.chars().next();
        out.extend(separator);
        rest = &tail[separator.map_or(0, char::len_utf8)..];
    }
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(octets: &str) -> Option<(u16, Option<String>, String, usize)> {
        match parse(octets.as_bytes()) {
            Parsed::Complete(reply, used) => Some((
                reply.code,
                reply.enhanced.map(|code| code.to_string()),
                reply.text(),
                used,
            )),
            Parsed::Incomplete | Parsed::Malformed => None,
        }
    }

    #[test]
    fn replies_are_read_one_by_one() {
        assert_eq!(
            reply("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"),
            Some((250, Some("2.1.0".into()), "Ok".into(), 14))
        );
        assert_eq!(
            reply("550-5.1.1 no such\r\n550 5.1.1 user\r\n"),
            Some((550, Some("5.1.1".into()), "no such user".into(), 35))
        );
        assert_eq!(reply("250\r\n"), Some((250, None, String::new(), 5)));
        assert_eq!(
            reply("250 2.1 almost\n"),
            Some((250, None, "2.1 almost".into(), 15))
        );
    }

    #[test]
    fn half_a_reply_waits_for_more() {
        for octets in ["", "25", "250 ok", "250-a\r\n", "250-a\r\n250"] {
            assert_eq!(parse(octets.as_bytes()), Parsed::Incomplete, "{octets}");
        }
    }

    #[test]
    fn other_text_is_malformed() {
        for octets in [
            "HTTP/1.1 400\r\n",
            "\r\n",
            "250-a\r\n251 b\r\n",
            "999 x\r\n",
            "250x\r\n",
        ] {
            assert_eq!(parse(octets.as_bytes()), Parsed::Malformed, "{octets}");
        }
    }

    #[test]
    fn stored_replies_hold_no_address() {
        let anna: Address = "Anna.Nowak+2f9d@example.com".parse().unwrap();
        for (text, expected) in [
            (
                "<anna.nowak+2F9D@example.com>: unknown",
                "<(address)>: unknown",
            ),
            ("user anna.nowak+2f9d unknown", "user (address) unknown"),
            ("rejected anna.nowak+2f9d.", "rejected (address)"),
            ("from=other@example.org,x", "(address),x"),
            ("no\u{1b}[31m such\r\nuser", "no [31m such user"),
            (
                "see https://example.com/help",
                "see https://example.com/help",
            ),
        ] {
            assert_eq!(scrub(text, Some(&anna)), expected);
        }
        assert_eq!(
            scrub(&"ż ".repeat(600), None).chars().count(),
            MAX_REPLY_CHARS
        );
    }
}

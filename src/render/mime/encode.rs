//! Octets: folded header lines, encoded words (RFC 2047), quoted-printable (RFC 2045).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::mail::{Mailbox, header};

/// Header lines are folded where they would grow longer than this (M4).
const MAX_HEADER_LINE: usize = 78;
/// Longest encoded word.
const MAX_ENCODED_WORD: usize = 75;
/// Longest quoted-printable line, without the soft line break's `=`.
const MAX_BODY_LINE: usize = 75;

/// One header under construction.
pub(super) struct HeaderLine<'a> {
    out: &'a mut Vec<u8>,
    column: usize,
    is_first: bool,
}

impl<'a> HeaderLine<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, name: &str) -> Self {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Self {
            column: name.len() + 1,
            out,
            is_first: true,
        }
    }

    /// A piece that must not be broken, after a space or a fold.
    pub(super) fn token(mut self, token: &str) -> Self {
        if self.column + 1 + token.len() > MAX_HEADER_LINE && !self.is_first {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.push(b' ');
        self.out.extend_from_slice(token.as_bytes());
        self.column += 1 + token.len();
        self.is_first = false;
        self
    }

    /// Cleaned text: plain where it can be, encoded words where it must.
    pub(super) fn text(self, text: &str) -> Self {
        if is_plain(text) {
            text.split(' ')
                .filter(|word| !word.is_empty())
                .fold(self, Self::token)
        } else {
            self.encoded(text)
        }
    }

    /// A display name and the address.
    pub(super) fn mailbox(self, mailbox: &Mailbox) -> Self {
        let address = mailbox.address.as_str();
        let Some(name) = mailbox.name.as_deref().and_then(header::display_name) else {
            return self.token(address);
        };
        let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~ ".contains(&b);
        let line = if !is_plain(&name) {
            self.encoded(&name)
        } else if name.bytes().all(is_atom) {
            self.text(&name)
        } else {
            let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
            quoted.split(' ').fold(self, Self::token)
        };
        line.token(&format!("<{address}>"))
    }

    /// Encoded words in base64, each a whole number of characters.
    fn encoded(mut self, text: &str) -> Self {
        let mut rest = text;
        while !rest.is_empty() {
            let room = MAX_HEADER_LINE
                .saturating_sub(self.column + 1)
                .min(MAX_ENCODED_WORD);
            let octets = room.saturating_sub("=?utf-8?B??=".len()) / 4 * 3;
            let mut end = octets.min(rest.len());
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            if end == 0 {
                // No room for one character beside what stands here (long names of custom headers).
                self.out.extend_from_slice(b"\r\n");
                self.column = 0;
                continue;
            }
            let (piece, tail) = rest.split_at(end);
            self = self.token(&format!("=?utf-8?B?{}?=", BASE64.encode(piece)));
            rest = tail;
            if !rest.is_empty() {
                self.out.extend_from_slice(b"\r\n");
                self.column = 0;
            }
        }
        self
    }

    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Printable ASCII without spaces.
pub(super) fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a text reads the same without encoding. `=?` would be read as an encoded
/// word; a word longer than a line could not be folded.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() < MAX_ENCODED_WORD)
}

/// What to do with an octet of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Literal,
    Space,
    Break,
    Escape,
}

static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Escape; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        kinds[octet as usize] = Kind::Literal;
        octet += 1;
    }
    kinds[b'=' as usize] = Kind::Escape;
    kinds[b' ' as usize] = Kind::Space;
    kinds[b'\t' as usize] = Kind::Space;
    kinds[b'\r' as usize] = Kind::Break;
    kinds[b'\n' as usize] = Kind::Break;
    kinds
};

/// Writes `text` as quoted-printable; line breaks of any kind become CR LF, and the last line is ended.
///
/// No line begins with a dot or with `From `, no character is split between two lines.
pub(super) fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    let octets = text.as_bytes();
    let mut at = 0;
    let mut column = 0;
    while at < octets.len() {
        let octet = octets[at];
        if column == 0 && (octet == b'.' || octets[at..].starts_with(b"From ")) {
            escape(octet, out);
            column = 3;
            at += 1;
            continue;
        }
        match KINDS[usize::from(octet)] {
            Kind::Literal | Kind::Space => {
                let room = MAX_BODY_LINE - column;
                let run = octets[at..]
                    .iter()
                    .take(room)
                    .take_while(|&&b| matches!(KINDS[usize::from(b)], Kind::Literal | Kind::Space))
                    .count();
                if run == 0 {
                    soft_break(out, &mut column);
                    continue;
                }
                let end = at + run;
                let is_line_end = octets.get(end).is_none_or(|b| matches!(b, b'\r' | b'\n'));
                let last = octets[end - 1];
                if is_line_end && KINDS[usize::from(last)] == Kind::Space {
                    // White space at a line's end would be lost on the way.
                    out.extend_from_slice(&octets[at..end - 1]);
                    column += run - 1;
                    if column + 3 > MAX_BODY_LINE {
                        soft_break(out, &mut column);
                    }
                    escape(last, out);
                    column += 3;
                } else {
                    out.extend_from_slice(&octets[at..end]);
                    column += run;
                }
                at = end;
            }
            Kind::Break => {
                at += if octets[at..].starts_with(b"\r\n") {
                    2
                } else {
                    1
                };
                out.extend_from_slice(b"\r\n");
                column = 0;
            }
            Kind::Escape => {
                let length = match octet {
                    0xF0.. => 4,
                    0xE0.. => 3,
                    0xC0.. => 2,
                    _ => 1,
                };
                if column + 3 * length > MAX_BODY_LINE {
                    soft_break(out, &mut column);
                }
                for &octet in octets[at..].iter().take(length) {
                    escape(octet, out);
                }
                column += 3 * length;
                at += length;
            }
        }
    }
    if column > 0 {
        out.extend_from_slice(b"\r\n");
    }
}

fn soft_break(out: &mut Vec<u8>, column: &mut usize) {
    out.extend_from_slice(b"=\r\n");
    *column = 0;
}

fn escape(octet: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&ESCAPES[usize::from(octet)]);
}

/// `=XX` for every octet.
static ESCAPES: [[u8; 3]; 256] = {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escapes = [[b'='; 3]; 256];
    let mut octet = 0;
    while octet < 256 {
        escapes[octet][1] = HEX[octet >> 4];
        escapes[octet][2] = HEX[octet & 15];
        octet += 1;
    }
    escapes
};

//! Undoes spellings that hide a word: mixed scripts, digits for letters, spaced letters.
//!
//! A spelling is only undone when the result is a word of a lexicon, or when one word mixes
//! scripts; part numbers and whole words in another script stay as they are.

use super::{Gap, Passage, Token, TokenKind, separate, small};
use crate::lint::fold::{from_leet, is_cyrillic, to_cyrillic, to_latin};

/// The longest run of single letters that is joined.
const MAX_SPACED: usize = 24;

/// Rewrites the folded text of a passage where a disguise was found.
pub(super) fn undo(passage: &mut Passage, cyrillic: bool, is_known: &dyn Fn(&str) -> bool) {
    let old = std::mem::take(passage);
    let mut text = String::with_capacity(old.text.len());
    let mut tokens: Vec<Token> = Vec::with_capacity(old.tokens.len());
    let mut at = 0;
    while at < old.tokens.len() {
        let (word, used) = spaced(&old, at, is_known)
            .or_else(|| leet_around_sign(&old, at, is_known))
            .unwrap_or_else(|| (plain(old.word(at), cyrillic, is_known), 1));
        let mut token = old.tokens[at];
        let last = old.tokens[at + used - 1];
        token.source_start = token.source_start.min(last.source_start);
        token.source_end = token.source_end.max(last.source_end);
        if used > 1 {
            token.kind = TokenKind::Word;
        }
        separate(&mut text, token.gap);
        token.start = small(text.len());
        text.push_str(&word);
        token.end = small(text.len());
        tokens.push(token);
        at += used;
    }
    text.push(' ');
    *passage = Passage {
        text,
        tokens,
        sentences: old.sentences,
    };
}

/// Single letters in a row that make up a known word: `s t a r s`, `S-t-e-r-n-e`.
fn spaced(
    passage: &Passage,
    from: usize,
    is_known: &dyn Fn(&str) -> bool,
) -> Option<(String, usize)> {
    let is_letter = |token: &Token| {
        token.kind == TokenKind::Word
            && passage.text[token.start as usize..token.end as usize]
                .chars()
                .nth(1)
                .is_none()
    };
    let follows = |token: &Token| matches!(token.gap, Gap::Joint | Gap::Space) && is_letter(token);
    let first = passage.tokens.get(from)?;
    if !is_letter(first) {
        return None;
    }
    let run = 1 + passage.tokens[from + 1..]
        .iter()
        .take(MAX_SPACED - 1)
        .take_while(|token| follows(token))
        .count();
    (3..=run).rev().find_map(|length| {
        let joined: String = (from..from + length).map(|i| passage.word(i)).collect();
        is_known(&joined).then_some((joined, length))
    })
}

/// `c@rd`: a sign between letters, written without spaces.
fn leet_around_sign(
    passage: &Passage,
    from: usize,
    is_known: &dyn Fn(&str) -> bool,
) -> Option<(String, usize)> {
    let sign = passage.tokens.get(from + 1)?;
    if sign.gap != Gap::None || !matches!(passage.word(from + 1), "@" | "$") {
        return None;
    }
    let run = 1 + passage.tokens[from + 1..]
        .iter()
        .take(7)
        .take_while(|token| token.gap == Gap::None)
        .count();
    let joined: String = (from..from + run)
        .flat_map(|i| passage.word(i).chars())
        .map(|c| from_leet(c).unwrap_or(c))
        .collect();
    is_known(&joined).then_some((joined, run))
}

/// One token on its own.
fn plain(word: &str, cyrillic: bool, is_known: &dyn Fn(&str) -> bool) -> String {
    if word.is_ascii() {
        let has_letter = word.bytes().any(|b| b.is_ascii_alphabetic());
        let has_digit = word.bytes().any(|b| b.is_ascii_digit());
        if has_letter && has_digit {
            let read: String = word.chars().map(|c| from_leet(c).unwrap_or(c)).collect();
            if is_known(&read) {
                return read;
            }
        }
        return word.to_owned();
    }
    let mixes = word.chars().any(|c| c.is_ascii_alphabetic())
        && word.chars().any(|c| !c.is_ascii() && c.is_alphabetic());
    if !mixes && (is_known(word) || (cyrillic && word.chars().all(is_cyrillic))) {
        return word.to_owned();
    }
    let latin = || -> Option<String> {
        word.chars()
            .map(|c| if c.is_ascii() { Some(c) } else { to_latin(c) })
            .collect()
    };
    let cyrillic_reading = || -> Option<String> {
        word.chars()
            .map(|c| {
                if is_cyrillic(c) {
                    Some(c)
                } else {
                    to_cyrillic(c)
                }
            })
            .collect()
    };
    let (own, other) = if cyrillic {
        (cyrillic_reading(), latin())
    } else {
        (latin(), cyrillic_reading())
    };
    [&own, &other]
        .into_iter()
        .flatten()
        .find(|reading| reading.as_str() != word && is_known(reading))
        .or(if mixes { own.as_ref() } else { None })
        .map_or_else(|| word.to_owned(), Clone::clone)
}

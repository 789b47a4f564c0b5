//! Characters to tokens, clauses and sentences.

use super::{
    BREAK, Gap, Glyph, OPAQUE, Passage, Sentence, Token, TokenKind, disguise, separate, small,
};
use crate::lint::fold::{fold_char, is_cyrillic, is_ignorable};

/// Cuts a text into tokens. `is_known` says whether a folded word stands in a lexicon; it decides
/// whether disguised spellings are undone. `cyrillic` is whether the mail is in a Cyrillic script.
pub(crate) fn tokenize(
    glyphs: &[Glyph],
    cyrillic: bool,
    is_known: &dyn Fn(&str) -> bool,
) -> Passage {
    let displayed;
    let glyphs = if glyphs.iter().any(|g| g.c == '\u{202E}') {
        displayed = as_displayed(glyphs);
        &displayed
    } else {
        glyphs
    };
    let mut builder = Builder {
        passage: Passage {
            text: String::with_capacity(glyphs.len() + glyphs.len() / 4),
            tokens: Vec::with_capacity(glyphs.len() / 5 + 1),
            sentences: Vec::new(),
        },
        gap: Gap::None,
        question: false,
        cyrillic,
        suspicious: false,
        single_letters: 0,
        in_sentence: 0,
    };
    builder.run(glyphs);
    if builder.question
        && let Some(sentence) = builder.passage.sentences.last_mut()
    {
        sentence.is_question = true;
    }
    let mut passage = builder.passage;
    passage.text.push(' ');
    if builder.suspicious {
        disguise::undo(&mut passage, cyrillic, is_known);
    }
    number_sentences(&mut passage);
    passage
}

/// The characters in the order a right-to-left override shows them.
fn as_displayed(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut shown: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    let mut reversed_from = None;
    for &glyph in glyphs {
        match glyph.c {
            '\u{202E}' if reversed_from.is_none() => reversed_from = Some(shown.len()),
            '\u{202C}' | '\n' | BREAK => {
                if let Some(from) = reversed_from.take() {
                    shown[from..].reverse();
                }
                shown.push(glyph);
            }
            _ => shown.push(glyph),
        }
    }
    if let Some(from) = reversed_from {
        shown[from..].reverse();
    }
    shown
}

/// A text without full stops is cut after this many tokens: rules compare the words of a sentence
/// with each other, so its length must have a bound for their work to grow linearly.
const MAX_SENTENCE: u32 = 150;

struct Builder {
    passage: Passage,
    gap: Gap,
    question: bool,
    cyrillic: bool,
    suspicious: bool,
    single_letters: u32,
    in_sentence: u32,
}

impl Builder {
    fn run(&mut self, glyphs: &[Glyph]) {
        let mut at = 0;
        while let Some(&glyph) = glyphs.get(at) {
            at = match glyph.c {
                c if is_word_char(c) => self.word(glyphs, at),
                c if star(c).is_some() => self.stars(glyphs, at),
                '*' => self.asterisks(glyphs, at),
                '%' | '€' | '$' | '£' | '+' | '=' | '/' | '@' | '&' | '→' => {
                    self.symbol(glyphs, at)
                }
                OPAQUE => {
                    let start = self.begin();
                    self.passage.text.push(OPAQUE);
                    self.end(start, glyph, glyph, TokenKind::Opaque);
                    at + 1
                }
                _ => {
                    self.separator(glyphs, at);
                    at + 1
                }
            };
        }
    }

    /// Opens a token: writes what stands between it and the last one.
    fn begin(&mut self) -> usize {
        self.in_sentence = if self.gap >= Gap::Sentence {
            1
        } else {
            self.in_sentence + 1
        };
        if self.in_sentence > MAX_SENTENCE {
            self.gap = self.gap.max(Gap::Sentence);
            self.in_sentence = 1;
        }
        let text = &mut self.passage.text;
        separate(text, self.gap);
        text.len()
    }

    /// Closes the token that begins at `start` of the folded text.
    fn end(&mut self, start: usize, first: Glyph, last: Glyph, kind: TokenKind) {
        if self.gap >= Gap::Sentence
            && let Some(sentence) = self.passage.sentences.last_mut()
        {
            sentence.is_question = self.question;
        }
        if self.passage.tokens.is_empty() || self.gap >= Gap::Sentence {
            self.passage.sentences.push(Sentence {
                first: 0,
                end: 0,
                is_question: false,
            });
        }
        self.passage.tokens.push(Token {
            start: small(start),
            end: small(self.passage.text.len()),
            source_start: first.start.min(last.start),
            source_end: first.end.max(last.end),
            sentence: 0,
            clause: 0,
            kind,
            gap: self.gap,
            link: first.link,
        });
        self.gap = Gap::None;
        self.question = false;
    }

    fn word(&mut self, glyphs: &[Glyph], from: usize) -> usize {
        let start = self.begin();
        let mut at = from;
        let mut last = from;
        let (mut letters, mut digits, mut ascii, mut other) = (0_u32, 0_u32, false, false);
        while let Some(glyph) = glyphs.get(at) {
            let c = glyph.c;
            if is_word_char(c) {
                // A digit row followed by letters ("5stars", "5Sterne") is two tokens; letters
                // followed by digits stay one, so that part numbers stay whole.
                let is_digit = c.is_numeric();
                if digits > 0 && letters == 0 && !is_digit && !looks_leet(&glyphs[from..]) {
                    break;
                }
                last = at;
                at += 1;
                let text = &mut self.passage.text;
                if c.is_ascii() {
                    text.push(c.to_ascii_lowercase());
                    digits += u32::from(is_digit);
                    letters += u32::from(!is_digit);
                    ascii |= !is_digit;
                    continue;
                }
                fold_char(c, &mut |folded| {
                    text.push(folded);
                    if folded.is_ascii_digit() {
                        digits += 1;
                    } else {
                        letters += 1;
                        ascii |= folded.is_ascii();
                        other |= !folded.is_ascii();
                    }
                });
                continue;
            } else if is_ignorable(c) || is_combining(c) {
                // Unseen inside a word.
            } else if (c == '.' || c == ',')
                && letters == 0
                && glyphs.get(at + 1).is_some_and(|g| g.c.is_ascii_digit())
            {
                self.passage.text.push('.');
            } else {
                break;
            }
            at += 1;
        }
        let folded = &self.passage.text[start..];
        let kind = if letters == 0 && digits > 0 {
            TokenKind::Number(whole_number(folded))
        } else {
            TokenKind::Word
        };
        self.suspicious |= other && (ascii || !self.cyrillic || folded.chars().any(is_odd_letter));
        self.suspicious |= letters > 0 && digits > 0;
        self.suspicious |= matches!(glyphs.get(at), Some(g) if matches!(g.c, '@' | '$'));
        if letters + digits == 1 && letters == 1 {
            self.single_letters += 1;
            self.suspicious |= self.single_letters >= 3;
        } else {
            self.single_letters = 0;
        }
        self.end(start, glyphs[from], glyphs[last], kind);
        at
    }

    fn stars(&mut self, glyphs: &[Glyph], from: usize) -> usize {
        let start = self.begin();
        let (mut full, mut hollow) = (0_u16, 0_u16);
        let mut at = from;
        let mut last = from;
        while let Some(glyph) = glyphs.get(at) {
            match star(glyph.c) {
                Some(true) => full = full.saturating_add(1),
                Some(false) => hollow = hollow.saturating_add(1),
                None if is_ignorable(glyph.c) || is_blank(glyph.c) => {
                    at += 1;
                    continue;
                }
                None => break,
            }
            last = at;
            at += 1;
        }
        self.passage.text.push('★');
        self.end(
            start,
            glyphs[from],
            glyphs[last],
            TokenKind::Stars { full, hollow },
        );
        last + 1
    }

    /// Five asterisks are a star row; any other number is markup or a divider.
    fn asterisks(&mut self, glyphs: &[Glyph], from: usize) -> usize {
        let run = glyphs[from..].iter().take_while(|g| g.c == '*').count();
        if run == 5 {
            let start = self.begin();
            self.passage.text.push('★');
            let kind = TokenKind::Stars { full: 5, hollow: 0 };
            self.end(start, glyphs[from], glyphs[from + 4], kind);
        } else {
            let gap = if run == 1 && starts_line(glyphs, from) {
                Gap::Block
            } else {
                Gap::Space
            };
            self.gap = self.gap.max(gap);
        }
        from + run
    }

    fn symbol(&mut self, glyphs: &[Glyph], from: usize) -> usize {
        let c = glyphs[from].c;
        let run = glyphs[from..].iter().take_while(|g| g.c == c).count();
        let start = self.begin();
        for _ in 0..run.min(3) {
            self.passage.text.push(c);
        }
        self.end(
            start,
            glyphs[from],
            glyphs[from + run - 1],
            TokenKind::Symbol,
        );
        from + run
    }

    fn separator(&mut self, glyphs: &[Glyph], at: usize) {
        let next = glyphs.get(at + 1).map(|g| g.c);
        let gap = match glyphs[at].c {
            ' ' => Gap::Space,
            c if is_ignorable(c) || is_combining(c) => return,
            BREAK => Gap::Block,
            '\n' if next_line_is_apart(&glyphs[at + 1..]) => Gap::Block,
            '-' | '\'' | '’' | '‘' | '_' | '‐' | '‑' | '`' | '´' => Gap::Joint,
            '?' | '¿' | '？' => {
                if glyphs[at].c != '¿' {
                    self.question = true;
                }
                Gap::Sentence
            }
            '!' | '…' | '¡' | '。' | '！' => Gap::Sentence,
            '.' => self.dot(next),
            ',' | ';' | ':' | '(' | ')' | '[' | ']' | '{' | '}' | '–' | '—' | '|' | '•' | '·'
            | '、' | '，' | '<' | '>' => Gap::Clause,
            _ => Gap::Space,
        };
        // "now - please": a hyphen with room on both sides is a dash.
        let gap = if gap == Gap::Joint
            && glyphs[at].c == '-'
            && self.gap >= Gap::Space
            && next.is_some_and(is_blank)
        {
            Gap::Clause
        } else {
            gap
        };
        self.gap = self.gap.max(gap);
    }

    /// A full stop ends a sentence unless it stands inside a word or after a short abbreviation.
    fn dot(&self, next: Option<char>) -> Gap {
        if next.is_some_and(char::is_alphanumeric) {
            return Gap::Joint;
        }
        let is_abbreviation = self.passage.tokens.last().is_some_and(|token| {
            let word = &self.passage.text[token.start as usize..token.end as usize];
            token.kind == TokenKind::Word
                && (word.chars().count() == 1
                    || matches!(
                        word,
                        "bzw" | "ggf" | "inkl" | "np" | "evtl" | "nr" | "mr" | "mrs"
                    ))
        });
        if is_abbreviation && next.is_some() && self.gap == Gap::None {
            Gap::Space
        } else {
            Gap::Sentence
        }
    }
}

/// Whether a blank line or a list mark follows, so that the line end is more than a soft one.
fn next_line_is_apart(rest: &[Glyph]) -> bool {
    let mut rest = rest
        .iter()
        .map(|g| g.c)
        .skip_while(|&c| c != '\n' && is_blank(c));
    match rest.next() {
        Some('\n' | '•' | '·') => true,
        Some('-' | '*' | '–') => rest.next().is_some_and(is_blank),
        _ => false,
    }
}

fn starts_line(glyphs: &[Glyph], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| glyphs.get(before))
        .is_none_or(|g| g.c == '\n')
}

/// Whether letters follow a leading digit as they do when digits stand for letters: the run
/// goes back to a digit or a sign after its first letters ("5t4rs").
fn looks_leet(run: &[Glyph]) -> bool {
    let mut letters = false;
    for glyph in run.iter().take(24) {
        if glyph.c.is_alphabetic() {
            letters = true;
        } else if glyph.c.is_ascii_digit() {
            if letters {
                return true;
            }
        } else {
            return false;
        }
    }
    false
}

fn number_sentences(passage: &mut Passage) {
    let mut sentence = 0_usize;
    let mut clause = 0_u32;
    for (index, token) in passage.tokens.iter_mut().enumerate() {
        if index > 0 && token.gap >= Gap::Sentence {
            sentence += 1;
        }
        if index > 0 && token.gap >= Gap::Clause {
            clause += 1;
        }
        token.sentence = small(sentence);
        token.clause = clause;
        if let Some(s) = passage.sentences.get_mut(sentence) {
            if s.end == 0 {
                s.first = small(index);
            }
            s.end = small(index + 1);
        }
    }
}

fn whole_number(digits: &str) -> Option<u32> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.bytes().any(|b| b != b'0') {
        return None;
    }
    whole.parse().ok()
}

/// A letter of neither Latin nor Cyrillic; a word with one may be a disguise.
fn is_odd_letter(c: char) -> bool {
    !c.is_ascii() && !is_cyrillic(c)
}

fn is_word_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && star(c).is_none()
}

fn is_combining(c: char) -> bool {
    !c.is_ascii() && unicode_normalization::char::is_combining_mark(c)
}

/// White space that does not end a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n' && c != BREAK
}

/// Whether the character is a filled (`true`) or an empty (`false`) star.
const fn star(c: char) -> Option<bool> {
    match c {
        '★' | '⭐' | '🌟' | '✭' | '✮' | '✯' | '⚝' | '✪' | '⋆' | '✨' => {
            Some(true)
        }
        '☆' | '✩' | '⛤' => Some(false),
        _ => None,
    }
}

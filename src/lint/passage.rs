//! A text cut into tokens, clauses and sentences, folded for matching, each token knowing its
//! place in the author's source.

mod disguise;
mod tokenizer;

pub(crate) use tokenizer::tokenize;

/// One character as the buyer sees it, with the bytes of the source it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glyph {
    /// The character; [`BREAK`] and [`OPAQUE`] are marks of the reader.
    pub(crate) c: char,
    /// First byte in the source.
    pub(crate) start: u32,
    /// The byte after the last one in the source.
    pub(crate) end: u32,
    /// The link the character belongs to, counted from 1; 0 outside links.
    pub(crate) link: u16,
}

/// Stands between blocks of text.
pub(crate) const BREAK: char = '\u{2029}';
/// Stands for a value that is not read: a template expression, a masked name.
pub(crate) const OPAQUE: char = '\u{FFFC}';

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Letters, perhaps with digits.
    Word,
    /// A whole number; others have no value.
    Number(Option<u32>),
    /// One of `% € $ £ + = / @ &` or a run of it.
    Symbol,
    /// A row of star characters: how many are filled, and how many are empty.
    Stars {
        /// Filled stars.
        full: u16,
        /// Empty stars.
        hollow: u16,
    },
    /// A value that is not read.
    Opaque,
}

/// What stands between a token and the one before it, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// Nothing.
    None,
    /// Hyphen, apostrophe or dot without a space.
    Joint,
    /// White space.
    Space,
    /// A comma, colon, dash or bracket.
    Clause,
    /// The end of a sentence.
    Sentence,
    /// The end of a block.
    Block,
}

/// One word, number or sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// First byte in the folded text.
    pub(crate) start: u32,
    /// The byte after the last one in the folded text.
    pub(crate) end: u32,
    /// First byte in the source.
    pub(crate) source_start: u32,
    /// The byte after the last one in the source.
    pub(crate) source_end: u32,
    /// The sentence, counted over the passage.
    pub(crate) sentence: u32,
    /// The clause, counted over the passage.
    pub(crate) clause: u32,
    /// What it is.
    pub(crate) kind: TokenKind,
    /// What stands before it.
    pub(crate) gap: Gap,
    /// The link it belongs to; 0 outside links.
    pub(crate) link: u16,
}

/// One sentence: its tokens and how it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sentence {
    /// The first token.
    pub(crate) first: u32,
    /// The token after the last one.
    pub(crate) end: u32,
    /// Whether it ends with a question mark.
    pub(crate) is_question: bool,
}

/// A text made ready for matching.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    /// The folded tokens, a space before and after each, [`CLAUSE_MARK`] where a clause ends.
    pub(crate) text: String,
    /// The tokens.
    pub(crate) tokens: Vec<Token>,
    /// The sentences.
    pub(crate) sentences: Vec<Sentence>,
}

/// Stands between two tokens no phrase may reach across.
const CLAUSE_MARK: char = '\u{1}';

/// Writes what stands before a token.
fn separate(text: &mut String, gap: Gap) {
    text.push(' ');
    if gap >= Gap::Clause {
        text.push(CLAUSE_MARK);
        text.push(' ');
    }
}

impl Passage {
    /// The folded text of a token.
    pub(crate) fn word(&self, token: usize) -> &str {
        self.tokens.get(token).map_or("", |t| {
            self.text
                .get(t.start as usize..t.end as usize)
                .unwrap_or_default()
        })
    }
}

/// A count or offset as 32 bits; a text of more than 4 GB is not read beyond that.
pub(crate) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The characters of a plain text.
pub(crate) fn glyphs(text: &str, base: usize) -> impl Iterator<Item = Glyph> + '_ {
    text.char_indices().map(move |(at, c)| Glyph {
        c,
        start: small(base + at),
        end: small(base + at + c.len_utf8()),
        link: 0,
    })
}

//! Handlebars template source: expressions masked, every branch read.
//!
//! Nothing is evaluated. A block has branches (`{{else}}` parts them); `if`, `unless`, `each`
//! and `with` may also show nothing. The readings are: all branches, each alone; and, for the
//! n-th branch of every block at once, that branch joined with what stands around it.

use std::ops::Range;

use crate::lint::{
    mood,
    passage::{BREAK, Glyph, OPAQUE, glyphs, small},
};

/// How many joined readings are made at most.
const MAX_JOINED: usize = 6;

/// A block whose condition depends on the buyer's mood, score or complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    /// The opening expression, in the source.
    pub(crate) condition: Range<usize>,
    /// The branches, in the source.
    pub(crate) branches: Vec<Range<usize>>,
    /// Whether the block can show none of its branches.
    pub(crate) may_be_empty: bool,
}

#[derive(Debug)]
enum Piece {
    Text(Range<usize>),
    Opaque(Range<usize>),
    Open { block: usize },
    Else { block: usize },
    Close { block: usize },
}

#[derive(Debug)]
struct Block {
    branches: Vec<Range<usize>>,
    may_be_empty: bool,
    is_mood: bool,
    condition: Range<usize>,
}

/// A template cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    blocks: Vec<Block>,
    literals: Vec<Range<usize>>,
}

/// Cuts a template. An expression that never closes is text.
pub(super) fn parse(source: &str) -> Template {
    let mut template = Template::default();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("{{") {
        let start = at + found;
        let Some((inner, end)) = expression(source, start) else {
            break;
        };
        let (text_end, next) = strip_white_space(source, at..start, end);
        template.pieces.push(Piece::Text(at..text_end));
        template.add(source, start..end, inner, &mut open);
        at = next;
    }
    template.pieces.push(Piece::Text(at..source.len()));
    // A block that is never closed reaches to the end.
    while let Some(block) = open.pop() {
        template.close(block, source.len());
    }
    template
}

/// `{{~ x ~}}` eats the white space outside it.
fn strip_white_space(source: &str, before: Range<usize>, end: usize) -> (usize, usize) {
    let start = before.end;
    let text_end = if source[start..].trim_start_matches('{').starts_with('~') {
        before.start + source[before].trim_end().len()
    } else {
        start
    };
    let next = if source[..end].trim_end_matches('}').ends_with('~') {
        end + (source[end..].len() - source[end..].trim_start().len())
    } else {
        end
    };
    (text_end, next)
}

/// The inside of the expression at `start` and the place after it.
fn expression(source: &str, start: usize) -> Option<(Range<usize>, usize)> {
    let rest = &source[start..];
    if rest.starts_with("{{!--") || rest.starts_with("{{~!--") {
        let close = rest.find("--}}").map(|i| i + 4);
        let close = close.or_else(|| rest.find("--~}}").map(|i| i + 5))?;
        return Some((start..start, start + close));
    }
    let width = rest.bytes().take_while(|&b| b == b'{').count().min(4);
    let close = "}}}}".get(..width)?;
    let inner = start + width;
    let end = inner + source[inner..].find(close)?;
    Some((inner..end, end + width))
}

impl Template {
    fn add(
        &mut self,
        source: &str,
        whole: Range<usize>,
        inner: Range<usize>,
        open: &mut Vec<usize>,
    ) {
        let text = source[inner.clone()].trim_matches(|c: char| c == '~' || c.is_whitespace());
        if text.is_empty() || text.starts_with('!') {
            return;
        }
        self.find_literals(source, inner);
        if let Some(head) = text.strip_prefix(['#', '^']) {
            let block = self.blocks.len();
            let name = head.trim_start_matches(['>', '*']).trim_start();
            let name = name.split_whitespace().next().unwrap_or_default();
            let first_branch = whole.end..whole.end;
            self.blocks.push(Block {
                branches: std::iter::once(first_branch).collect(),
                may_be_empty: matches!(name, "if" | "unless" | "each" | "with")
                    || text.starts_with('^'),
                is_mood: mood::mentions_mood(head),
                condition: whole,
            });
            open.push(block);
            self.pieces.push(Piece::Open { block });
        } else if text.starts_with('/') {
            if let Some(block) = open.pop() {
                self.close(block, whole.start);
                self.pieces.push(Piece::Close { block });
            }
        } else if text == "^" || text == "else" || text.starts_with("else ") {
            if let Some(&block) = open.last() {
                self.close(block, whole.start);
                let state = &mut self.blocks[block];
                state.branches.push(whole.end..whole.end);
                state.is_mood |= mood::mentions_mood(text);
                // `{{else if x}}` may still show nothing.
                state.may_be_empty = text.len() > 4;
                self.pieces.push(Piece::Else { block });
            }
        } else {
            self.pieces.push(Piece::Opaque(whole));
        }
    }

    fn close(&mut self, block: usize, end: usize) {
        if let Some(branch) = self
            .blocks
            .get_mut(block)
            .and_then(|b| b.branches.last_mut())
        {
            branch.end = end.max(branch.start);
        }
    }

    /// Texts in quotes inside an expression are shown to the buyer by helpers and partials.
    fn find_literals(&mut self, source: &str, inner: Range<usize>) {
        let text = &source[inner.clone()];
        let mut open: Option<(char, usize)> = None;
        for (at, c) in text.char_indices() {
            match open {
                None if c == '"' || c == '\'' => open = Some((c, at + 1)),
                Some((quote, from)) if c == quote => {
                    if text[from..at].contains(char::is_whitespace) {
                        self.literals.push(inner.start + from..inner.start + at);
                    }
                    open = None;
                }
                _ => {}
            }
        }
    }

    /// The texts to read, as characters with their places.
    pub(super) fn readings(&self, source: &str) -> Vec<Vec<Glyph>> {
        let mut readings = vec![self.isolated(source)];
        let choices = |b: &Block| b.branches.len() + usize::from(b.may_be_empty);
        let joined = self.blocks.iter().map(choices).max().unwrap_or(0);
        for choice in 0..joined.min(MAX_JOINED) {
            readings.push(self.joined(source, choice));
        }
        readings
    }

    fn isolated(&self, source: &str) -> Vec<Glyph> {
        let mut read = Vec::with_capacity(source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Text(range) => read.extend(glyphs(&source[range.clone()], range.start)),
                Piece::Opaque(range) => read.push(mark(OPAQUE, range)),
                Piece::Open { block } | Piece::Else { block } | Piece::Close { block } => {
                    read.push(mark(BREAK, &self.blocks[*block].condition));
                }
            }
        }
        read
    }

    fn joined(&self, source: &str, choice: usize) -> Vec<Glyph> {
        let mut read = Vec::with_capacity(source.len());
        // Per open block: the branch being passed and whether it is the chosen one.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut shut = 0_usize;
        for piece in &self.pieces {
            match piece {
                Piece::Text(range) if shut == 0 => {
                    read.extend(glyphs(&source[range.clone()], range.start));
                }
                Piece::Opaque(range) if shut == 0 => read.push(mark(OPAQUE, range)),
                Piece::Text(_) | Piece::Opaque(_) => {}
                Piece::Open { block } => {
                    let shown = self.chosen(*block, choice) == 0;
                    shut += usize::from(!shown);
                    open.push((0, shown));
                }
                Piece::Else { block } => {
                    if let Some((branch, shown)) = open.last_mut() {
                        *branch += 1;
                        let now = self.chosen(*block, choice) == *branch;
                        shut = shut + usize::from(*shown && !now) - usize::from(!*shown && now);
                        *shown = now;
                    }
                }
                Piece::Close { .. } => {
                    if let Some((_, shown)) = open.pop() {
                        shut -= usize::from(!shown);
                    }
                }
            }
        }
        read
    }

    /// The branch of a block a reading shows; one past the last when it shows none.
    fn chosen(&self, block: usize, choice: usize) -> usize {
        let block = &self.blocks[block];
        let choices = block.branches.len() + usize::from(block.may_be_empty);
        choice % choices.max(1)
    }

    /// The texts in quotes inside expressions, parted.
    pub(super) fn literals(&self, source: &str) -> Vec<Glyph> {
        let mut read = Vec::new();
        for range in &self.literals {
            read.extend(glyphs(&source[range.clone()], range.start));
            read.push(mark(BREAK, range));
        }
        read
    }

    /// The blocks decided by mood.
    pub(super) fn into_gates(self) -> Vec<Gate> {
        self.blocks
            .into_iter()
            .filter(|block| block.is_mood)
            .map(|block| Gate {
                condition: block.condition,
                branches: block.branches,
                may_be_empty: block.may_be_empty,
            })
            .collect()
    }
}

fn mark(c: char, range: &Range<usize>) -> Glyph {
    Glyph {
        c,
        start: small(range.start),
        end: small(range.end),
        link: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let shown: Vec<String> = parse(source)
            .readings(source)
            .iter()
            .map(|reading| {
                reading
                    .iter()
                    .map(|g| match g.c {
                        BREAK => '|',
                        OPAQUE => '_',
                        c => c,
                    })
                    .collect()
            })
            .collect();
        assert_eq!(shown, expected, "{source}");
    }

    #[test]
    fn expressions_are_masked_and_comments_vanish() {
        check("Hi {{name}}{{! x }}{{!-- }} --}}, {{{raw}}}", &["Hi _, _"]);
        check("open {{name", &["open {{name"]);
        check("a {{~x~}} b", &["a_b"]);
    }

    #[test]
    fn branches_are_read_alone_and_joined() {
        check(
            "a {{#if x}}b{{else}}c{{/if}} d",
            &["a |b|c| d", "a b d", "a c d"],
        );
        check("a{{#if x}}b{{/if}}c", &["a|b|c", "abc", "ac"]);
        check(
            "{{#if x}}a{{else if y}}b{{else}}c{{/if}}",
            &["|a|b|c|", "a", "b", "c"],
        );
        check(
            "{{#if x}}a{{#if y}}b{{/if}}{{/if}}c",
            &["|a|b||c", "abc", "c"],
        );
        check("{{#if x}}a", &["|a", "a", ""]);
        check("a{{/if}}{{else}}b", &["ab"]);
    }

    #[test]
    fn texts_in_quotes_are_kept() {
        let source = r#"{{> button label="Leave a review" url='x'}}"#;
        let read: String = parse(source).literals(source).iter().map(|g| g.c).collect();
        assert_eq!(read, format!("Leave a review{BREAK}"));
    }

    #[test]
    fn conditions_on_mood_are_gates() {
        let source = "{{#if (gt survey_score 3)}}a{{else}}b{{/if}}{{#if paid}}c{{/if}}";
        let gates = parse(source).into_gates();
        assert_eq!(gates.len(), 1);
        let texts: Vec<&str> = gates[0]
            .branches
            .iter()
            .map(|b| &source[b.clone()])
            .collect();
        assert_eq!(texts, ["a", "b"]);
        assert!(!gates[0].may_be_empty);
    }
}

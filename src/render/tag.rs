//! The part of Handlebars that templates may use, read into tags with exact places.
//!
//! Handlebars itself compiles and runs the templates. This reader exists so that every
//! check can name the line and column of the very word it objects to, also inside
//! `{{else if}}`, and so that what is not on the list cannot be written at all:
//! no `{{{`, no decorators, no partial blocks, no raw blocks.

use super::problem::Fault;

/// One `{{…}}` of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tag {
    /// Byte offset of the first `{`.
    pub(crate) start: usize,
    /// Byte offset behind the last `}`.
    pub(crate) end: usize,
    pub(crate) kind: TagKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TagKind {
    Comment,
    /// `{{path}}` or `{{helper …}}`.
    Value(Call),
    /// `{{#helper …}}`, with the names behind `as |…|`.
    Open(Call, Vec<String>),
    /// `{{else}}` or `{{else if …}}`.
    Else(Option<Call>),
    /// `{{/helper}}`.
    Close(String),
    /// `{{> partial key=value}}`.
    Partial(Call),
}

/// A name with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Byte offset of the name.
    pub(crate) at: usize,
    pub(crate) params: Vec<Expr>,
    pub(crate) hash: Vec<(String, Expr)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    /// Byte offset of the first character.
    pub(crate) at: usize,
    /// Byte offset behind the last one.
    pub(crate) end: usize,
    pub(crate) kind: ExprKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    Path(String),
    Text(String),
    Number(String),
    Bool(bool),
    Call(Call),
}

/// Every tag of `text`; faults with their byte offsets.
pub(crate) fn read(text: &str) -> (Vec<Tag>, Vec<(usize, Fault)>) {
    let mut tags = Vec::new();
    let mut faults = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let start = from + found;
        match read_tag(text, start) {
            Ok(tag) => {
                from = tag.end;
                tags.push(tag);
            }
            Err((at, fault)) => {
                from = text[start..]
                    .find("}}")
                    .map_or(text.len(), |close| start + close + 2);
                faults.push((at, fault));
            }
        }
    }
    (tags, faults)
}

fn read_tag(text: &str, start: usize) -> Result<Tag, (usize, Fault)> {
    let rest = &text[start..];
    let refuse = |message: &str, hint: &str| Err((start, Fault::new(message, hint)));
    if let Some(body) = rest.strip_prefix("{{!") {
        // A comment with dashes may hold braces; both forms may trim (`~`).
        let close = if body.starts_with("--") { "--}}" } else { "}}" };
        return match rest.find(close) {
            Some(at) => Ok(Tag {
                start,
                end: start + at + close.len(),
                kind: TagKind::Comment,
            }),
            None => refuse("a comment is not closed", "end it with `--}}`"),
        };
    }
    if rest.starts_with("{{{") {
        return refuse(
            "`{{{` writes a value without escaping it",
            "write `{{` and `}}`",
        );
    }
    if text[..start].ends_with('\\') {
        return refuse(
            "a backslash before `{{` would switch the tag off",
            "take the backslash away",
        );
    }
    let mut cursor = Cursor {
        text,
        at: start + 2,
    };
    cursor.eat("~");
    for (sigil, message, hint) in [
        (
            "&",
            "`{{&` writes a value without escaping it",
            "write `{{` and `}}`",
        ),
        ("*", "decorators are not allowed", "remove it"),
        (
            "#*",
            "inline partials are not allowed",
            "make it a file in `partials`",
        ),
        (
            "#>",
            "partial blocks are not allowed: their keys hide variables of the block",
            "use `{{> name key=value}}`",
        ),
        (
            "^",
            "`{{^` is not allowed",
            "write `{{else}}` or `{{#unless …}}`",
        ),
        ("#^", "`{{#^` is not allowed", "write `{{#unless …}}`"),
    ] {
        if text[cursor.at..].starts_with(sigil) {
            return refuse(message, hint);
        }
    }
    let kind = if cursor.eat("#") {
        let call = cursor.call()?;
        let names = cursor.block_names()?;
        TagKind::Open(call, names)
    } else if cursor.eat("/") {
        cursor.spaces();
        TagKind::Close(cursor.word()?.1)
    } else if cursor.eat(">") {
        TagKind::Partial(cursor.call()?)
    } else {
        let call = cursor.call()?;
        if call.name == "else" {
            TagKind::Else(else_condition(call)?)
        } else {
            TagKind::Value(call)
        }
    };
    cursor.spaces();
    cursor.eat("~");
    if cursor.eat("}}") {
        Ok(Tag {
            start,
            end: cursor.at,
            kind,
        })
    } else {
        Err((
            cursor.at.min(text.len()),
            Fault::new("this tag cannot be read here", "end it with `}}`"),
        ))
    }
}

/// `else if a b` is read as the call `else` with parameters `if`, `a`, `b`.
fn else_condition(call: Call) -> Result<Option<Call>, (usize, Fault)> {
    let mut params = call.params.into_iter();
    let Some(first) = params.next() else {
        return Ok(None);
    };
    match first.kind {
        ExprKind::Path(name) if name == "if" => Ok(Some(Call {
            name,
            at: first.at,
            params: params.collect(),
            hash: call.hash,
        })),
        _ => Err((
            first.at,
            Fault::new("only `if` may follow `else`", "write `{{else if …}}`"),
        )),
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn fault<T>(&self, message: &str, hint: &str) -> Result<T, (usize, Fault)> {
        Err((self.at.min(self.text.len()), Fault::new(message, hint)))
    }

    fn word(&mut self) -> Result<(usize, String), (usize, Fault)> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '/' | '-')))
            .unwrap_or(rest.len());
        if length == 0 {
            return self.fault("a name is missing here", "write a variable or a helper");
        }
        let word = rest[..length].to_owned();
        let at = self.at;
        self.at += length;
        Ok((at, word))
    }

    fn call(&mut self) -> Result<Call, (usize, Fault)> {
        self.spaces();
        let (at, name) = self.word()?;
        let mut call = Call {
            name,
            at,
            params: Vec::new(),
            hash: Vec::new(),
        };
        loop {
            self.spaces();
            let rest = self.rest();
            if rest.is_empty()
                || rest.starts_with("}}")
                || rest.starts_with('~')
                || rest.starts_with(')')
                || rest.starts_with("as |")
            {
                return Ok(call);
            }
            let before = self.at;
            if let Ok((_, key)) = self.word()
                && self.eat("=")
            {
                let value = self.expr()?;
                call.hash.push((key, value));
                continue;
            }
            self.at = before;
            let value = self.expr()?;
            call.params.push(value);
        }
    }

    fn expr(&mut self) -> Result<Expr, (usize, Fault)> {
        let at = self.at;
        let rest = self.rest();
        let kind = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let Some(close) = rest[1..].find(quote) else {
                    return self.fault("a text is not closed", "end it with the same quote");
                };
                let text = &rest[1..=close];
                if text.contains(['\\', '\n']) || text.contains("{{") || text.contains("}}") {
                    return self.fault(
                        "a text here may hold no backslash, line break or double brace",
                        "use the other kind of quote inside it",
                    );
                }
                let text = text.to_owned();
                self.at += close + 2;
                ExprKind::Text(text)
            }
            Some('(') => {
                self.at += 1;
                let call = self.call()?;
                self.spaces();
                if !self.eat(")") {
                    return self.fault("a `(` is not closed", "add `)`");
                }
                ExprKind::Call(call)
            }
            _ => {
                let (_, word) = self.word()?;
                match word.as_str() {
                    "true" => ExprKind::Bool(true),
                    "false" => ExprKind::Bool(false),
                    number if number.parse::<f64>().is_ok() => ExprKind::Number(word),
                    _ => ExprKind::Path(word),
                }
            }
        };
        Ok(Expr {
            at,
            end: self.at,
            kind,
        })
    }

    fn block_names(&mut self) -> Result<Vec<String>, (usize, Fault)> {
        self.spaces();
        if !self.eat("as |") {
            return Ok(Vec::new());
        }
        let rest = self.rest();
        let Some(close) = rest.find('|') else {
            return self.fault("`as |` is not closed", "write `as |item|`");
        };
        let names = rest[..close]
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        self.at += close + 1;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TagKind> {
        let (tags, faults) = read(text);
        assert_eq!(faults, [], "{text}");
        tags.into_iter().map(|tag| tag.kind).collect()
    }

    fn check_fault(text: &str, at: usize, message: &str) {
        let (_, faults) = read(text);
        assert_eq!(faults.len(), 1, "{text}");
        assert_eq!(faults[0].0, at, "{text}");
        assert!(
            faults[0].1.message.contains(message),
            "{text}: {}",
            faults[0].1.message
        );
    }

    #[test]
    fn values_blocks_and_partials_are_told_apart() {
        let found = kinds(
            "{{a.b}}{{#if (eq a \"x\")}}{{else if c}}{{else}}{{/if}}{{> p k='v' n=1}}{{!-- }} --}}{{#each a as |it|}}",
        );
        assert!(matches!(&found[0], TagKind::Value(call) if call.name == "a.b"));
        assert!(matches!(&found[1], TagKind::Open(call, _)
            if call.name == "if" && matches!(call.params[0].kind, ExprKind::Call(_))));
        assert!(matches!(&found[2], TagKind::Else(Some(call)) if call.params.len() == 1));
        assert!(matches!(&found[3], TagKind::Else(None)));
        assert!(matches!(&found[4], TagKind::Close(name) if name == "if"));
        assert!(matches!(&found[5], TagKind::Partial(call) if call.hash.len() == 2));
        assert!(matches!(&found[6], TagKind::Comment));
        assert!(matches!(&found[7], TagKind::Open(_, names) if names == &["it".to_owned()]));
    }

    #[test]
    fn unsafe_and_broken_tags_are_refused_at_their_place() {
        check_fault("ab {{{x}}}", 3, "without escaping");
        check_fault("{{&x}}", 0, "without escaping");
        check_fault("{{#> layout title=\"x\"}}", 0, "partial blocks");
        check_fault("{{*inline}}", 0, "decorators");
        check_fault("{{^}}", 0, "not allowed");
        check_fault("{{money \"x}}", 8, "not closed");
        check_fault("{{if", 4, "cannot be read");
        check_fault("{{ }}", 3, "name is missing");
        check_fault("{{else with a}}", 7, "only `if`");
        check_fault("a\\{{x}}", 2, "backslash");
        check_fault("{{!-- open", 0, "comment is not closed");
    }
}

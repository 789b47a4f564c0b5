//! The head of a mail file and the word lists: strict `key: value` lines.
//!
//! Not YAML: a value is the rest of its line, never quoted, never continued, so a subject
//! can hold any character and every fault has an exact column.

use super::problem::{Fault, TemplateProblem};

/// A value and the byte offset at which it starts in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) at: usize,
}

/// The head of a mail file and where its body begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    pub(crate) subject: Entry,
    pub(crate) preheader: Entry,
    /// What the mail is for and how it speaks: for people, never sent.
    pub(crate) description: String,
    /// Byte offset of the body.
    pub(crate) body: usize,
}

const KEYS: [&str; 3] = ["subject", "preheader", "description"];

/// Reads the head of a mail file.
pub(crate) fn read(file: &str, text: &str) -> Result<FrontMatter, Vec<TemplateProblem>> {
    let fault = |at: usize, message: String, hint: String| {
        TemplateProblem::at(file, text, at, Fault::new(message, hint))
    };
    let Some(rest) = text.strip_prefix("---\n") else {
        return Err(vec![fault(
            0,
            "the head is missing".to_owned(),
            "begin with `---`, then `subject:`, `preheader:` and `description:`, then `---`"
                .to_owned(),
        )]);
    };
    let Some(close) = rest.find("\n---\n") else {
        return Err(vec![fault(
            0,
            "the head is not closed".to_owned(),
            "end it with a line `---`".to_owned(),
        )]);
    };
    let head = 4;
    let body = head + close + "\n---\n".len();
    let (entries, mut problems) = entries(file, text, head, head + close);
    for entry in &entries {
        if !KEYS.contains(&entry.key.as_str()) {
            problems.push(fault(
                line_start(text, entry.at),
                format!("`{}` is no key of a mail's head", entry.key),
                super::problem::nearest(&entry.key, KEYS.into_iter()),
            ));
        }
    }
    let mut take = |key: &str| {
        let found = entries.iter().find(|entry| entry.key == key).cloned();
        match found {
            Some(entry) if !entry.value.is_empty() => Some(entry),
            Some(entry) => {
                problems.push(fault(entry.at, format!("`{key}` is empty"), String::new()));
                None
            }
            None => {
                problems.push(fault(
                    0,
                    format!("the head has no `{key}`"),
                    format!("add a line `{key}: …`"),
                ));
                None
            }
        }
    };
    let (subject, preheader, description) =
        (take("subject"), take("preheader"), take("description"));
    match (subject, preheader, description) {
        (Some(subject), Some(preheader), Some(description)) if problems.is_empty() => {
            Ok(FrontMatter {
                subject,
                preheader,
                description: description.value,
                body,
            })
        }
        _ => Err(problems),
    }
}

/// Reads the `key: value` lines between two offsets; `#` begins a comment line.
pub(crate) fn entries(
    file: &str,
    text: &str,
    from: usize,
    to: usize,
) -> (Vec<Entry>, Vec<TemplateProblem>) {
    let mut found: Vec<Entry> = Vec::new();
    let mut problems = Vec::new();
    let mut at = from;
    for line in text[from..to].split('\n') {
        let start = at;
        at += line.len() + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            problems.push(TemplateProblem::at(
                file,
                text,
                start,
                Fault::new("this line is no `key: value`", "a value stays on one line"),
            ));
            continue;
        };
        let key = key.trim();
        let lead = value.len() - value.trim_start().len();
        if found.iter().any(|entry| entry.key == key) {
            problems.push(TemplateProblem::at(
                file,
                text,
                start,
                Fault::new(format!("`{key}` stands here twice"), "keep one"),
            ));
            continue;
        }
        found.push(Entry {
            key: key.to_owned(),
            value: value.trim().to_owned(),
            at: start + line.len() - value.len() + lead,
        });
    }
    (found, problems)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, usize, &str)]) {
        let problems = read("a.hbs", text).err().unwrap_or_default();
        let found: Vec<(usize, usize, &str)> = problems
            .iter()
            .map(|p| (p.line, p.column, p.message.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_head_gives_values_with_their_places() {
        let text = "---\nsubject: Order {{order.ref}}: received\npreheader: p\ndescription: d\n---\n<body>";
        let head = read("a.hbs", text).unwrap();
        assert_eq!(head.subject.value, "Order {{order.ref}}: received");
        assert_eq!(&text[head.subject.at..head.subject.at + 5], "Order");
        assert_eq!(&text[head.body..], "<body>");
    }

    #[test]
    fn every_fault_of_a_head_is_told_with_its_line() {
        check("subject: x\n", &[(1, 1, "the head is missing")]);
        check("---\nsubject: x\n", &[(1, 1, "the head is not closed")]);
        check(
            "---\nsubject: x\nsubjekt: y\njunk\nsubject: z\npreheader:\n---\n",
            &[
                (4, 1, "this line is no `key: value`"),
                (5, 1, "`subject` stands here twice"),
                (3, 1, "`subjekt` is no key of a mail's head"),
                (6, 11, "`preheader` is empty"),
                (1, 1, "the head has no `description`"),
            ],
        );
    }
}

//! Collects problems, each with the place its setting was written at.

use std::{collections::BTreeMap, ops::Range};

use super::{
    problem::{ConfigProblems, Problem},
    tree::{Node, Path, Source, keys, show_path},
};

/// The tree being looked at, and what was found wrong with it.
pub(super) struct Findings {
    pub(super) tree: Node,
    pub(super) sources: Vec<Source>,
    /// Sources before this one are built in.
    first_given: usize,
    problems: Vec<(usize, Problem)>,
    warnings: Vec<(usize, Problem)>,
    /// How many sequences each one stands on, by name.
    depths: BTreeMap<String, usize>,
    /// Settings that were wrong: a second problem about them would only confuse.
    tainted: Vec<Path>,
}

impl Findings {
    pub(super) const fn new(tree: Node, sources: Vec<Source>, first_given: usize) -> Self {
        Self {
            tree,
            sources,
            first_given,
            problems: Vec::new(),
            warnings: Vec::new(),
            depths: BTreeMap::new(),
            tainted: Vec::new(),
        }
    }

    /// A problem with the value at `path`.
    pub(super) fn add(&mut self, path: &[String], message: String, hint: Option<String>) {
        let place = self.place(path, |node| match node.table() {
            Some(_) => node.mark.key.clone(),
            None => node.mark.value.clone(),
        });
        self.push(place, show_path(path), message, hint);
    }

    /// Where the value is written, or the nearest thing around it that the user wrote.
    fn place(
        &self,
        path: &[String],
        span: impl Fn(&Node) -> Range<usize>,
    ) -> (usize, Range<usize>) {
        for depth in (1..=path.len()).rev() {
            if let Some(node) = self.tree.find(&path[..depth])
                && node.mark.source >= self.first_given
            {
                let span = if depth == path.len() {
                    span(node)
                } else {
                    node.mark.key.clone()
                };
                return (node.mark.source, span);
            }
        }
        (0, 0..0)
    }

    /// As [`Self::add`], from a text that reads `what is wrong; what to do`.
    pub(super) fn add_text(&mut self, path: &[String], text: &str) {
        match text.split_once("; ") {
            Some((message, hint)) => self.add(path, message.to_owned(), Some(hint.to_owned())),
            None => self.add(path, text.to_owned(), None),
        }
    }

    /// A problem with the key at `path`.
    pub(super) fn add_at_key(&mut self, path: &[String], message: String, hint: Option<String>) {
        let place = self.place(path, |node| node.mark.key.clone());
        self.push(place, show_path(path), message, hint);
    }

    /// A problem found by a check; silent where the setting was wrong already.
    pub(super) fn check(
        &mut self,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let path = keys(path);
        if !self.is_tainted(&path) {
            self.add(&path, message.into(), Some(hint.into()));
        }
    }

    /// Something that holds together and may still not be meant.
    pub(super) fn warn(
        &mut self,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let path = keys(path);
        let place = self.place(&path, |node| match node.table() {
            Some(_) => node.mark.key.clone(),
            None => node.mark.value.clone(),
        });
        let (source, problem) =
            self.problem(place, show_path(&path), message.into(), Some(hint.into()));
        self.warnings.push((source, problem.into_warning()));
    }

    fn push(
        &mut self,
        place: (usize, Range<usize>),
        path: String,
        message: String,
        hint: Option<String>,
    ) {
        let (source, problem) = self.problem(place, path, message, hint);
        // One line that several sequences inherit is one problem, of the sequence it stands in.
        let depth = self.depth(&problem.path);
        let same = self.problems.iter().position(|(_, known)| {
            *known == problem
                || known.line > 0
                    && (&known.origin, &known.span, &known.message)
                        == (&problem.origin, &problem.span, &problem.message)
                    && known.path.rsplit('.').next() == problem.path.rsplit('.').next()
        });
        match same {
            None => self.problems.push((source, problem)),
            Some(at) if depth < self.depth(&self.problems[at].1.path) => {
                self.problems[at].1.path = problem.path;
            }
            Some(_) => {}
        }
    }

    /// The problem with its place, and the source it is listed under.
    fn problem(
        &self,
        (source, span): (usize, Range<usize>),
        path: String,
        message: String,
        hint: Option<String>,
    ) -> (usize, Problem) {
        let is_given = source >= self.first_given;
        let shown = if is_given {
            self.sources.get(source)
        } else {
            self.sources.get(self.first_given)
        };
        let problem = match shown {
            Some(source) if is_given => {
                Problem::in_text(&source.name, &source.text, span, path, message, hint)
            }
            // What no source of the user speaks of belongs into the first of them.
            other => {
                let origin = other.map_or_else(String::new, |source| source.name.clone());
                Problem::without_text(origin, path, message, hint)
            }
        };
        (source.max(self.first_given), problem)
    }

    fn depth(&self, path: &str) -> usize {
        path.strip_prefix("sequences.")
            .and_then(|rest| rest.split('.').next())
            .and_then(|name| self.depths.get(name))
            .map_or(0, |depth| *depth)
    }

    /// Notes how many other sequences a sequence stands on.
    pub(super) fn note_depth(&mut self, sequence: &str, depth: usize) {
        self.depths.insert(sequence.to_owned(), depth);
    }

    /// Notes that the setting was wrong.
    pub(super) fn taint(&mut self, path: Path) {
        self.tainted.push(path);
    }

    /// Takes a value away and notes that it was wrong.
    pub(super) fn drop_value(&mut self, path: &[String]) {
        self.tree.remove(path);
        self.taint(path.to_vec());
    }

    /// Whether the setting, something in it or something around it was wrong.
    pub(super) fn is_tainted(&self, path: &[String]) -> bool {
        self.tainted
            .iter()
            .any(|tainted| tainted.starts_with(path) || path.starts_with(tainted))
    }

    /// As [`Self::is_tainted`], for a path written out.
    pub(super) fn is_tainted_at(&self, path: &[&str]) -> bool {
        let path = keys(path);
        self.is_tainted(&path)
    }

    pub(super) const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems, in the order of the sources and of the lines.
    pub(super) fn into_problems(self) -> ConfigProblems {
        ConfigProblems(in_order(self.problems))
    }

    /// All warnings, in the order of the sources and of the lines.
    pub(super) fn take_warnings(&mut self) -> Vec<Problem> {
        in_order(std::mem::take(&mut self.warnings))
    }
}

fn in_order(mut problems: Vec<(usize, Problem)>) -> Vec<Problem> {
    problems.sort_by(|(a, x), (b, y)| (a, x.line, x.column).cmp(&(b, y.line, y.column)));
    problems.into_iter().map(|(_, problem)| problem).collect()
}

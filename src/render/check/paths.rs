//! Which variable a path names from where it stands, and whether it is known to be there.

use crate::render::{problem::nearest, schema::Node};

use super::{Named, Walk};

impl<'s> Walk<'s, '_> {
    /// The variable a path names from here; says what is wrong if there is none.
    pub(super) fn resolve(&mut self, path: &str, at: usize) -> Option<Named<'s>> {
        let mut frame = self.frames.len() - 1;
        let mut rest = path;
        while let Some(outer) = rest.strip_prefix("../") {
            if frame == 0 {
                self.fault(
                    at,
                    format!("`{path}` leads out of the mail"),
                    "take `../` away",
                );
                return None;
            }
            frame -= 1;
            rest = outer;
        }
        let (start, names): (Option<Named<'s>>, &str) =
            if let Some(rest) = rest.strip_prefix("@root.") {
                (Some((String::new(), self.schema)), rest)
            } else if let Some(rest) = rest.strip_prefix("this.") {
                (self.frames[frame].this.clone(), rest)
            } else if rest == "this" || rest == "." {
                (self.frames[frame].this.clone(), "")
            } else {
                let head = rest.split('.').next().unwrap_or(rest);
                let named = self.frames[..=frame]
                    .iter()
                    .rev()
                    .flat_map(|frame| &frame.names)
                    .find(|(name, _)| name == head);
                match named {
                    Some((_, found)) => (
                        found.clone(),
                        rest[head.len()..].strip_prefix('.').unwrap_or_default(),
                    ),
                    None => (self.frames[frame].this.clone(), rest),
                }
            };
        let (mut full, mut node) = start?;
        for name in names.split('.').filter(|name| !name.is_empty()) {
            let Some(child) = node.children.get(name) else {
                self.unknown(path, &full, name, node, at);
                return None;
            };
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(name);
            node = child;
        }
        Some((full, node))
    }

    fn unknown(&mut self, path: &str, full: &str, name: &str, node: &Node, at: usize) {
        let is_top = self
            .schema
            .children
            .contains_key(path.split('.').next().unwrap_or(path));
        let hint = if is_top && !full.is_empty() && self.frames.len() > 1 {
            format!("inside `{{{{#each}}}}` write `@root.{path}`")
        } else {
            let dot = if full.is_empty() { "" } else { "." };
            let known: Vec<String> = node
                .children
                .keys()
                .map(|child| format!("{full}{dot}{child}"))
                .collect();
            let near = nearest(
                &format!("{full}{dot}{name}"),
                known.iter().map(String::as_str),
            );
            if near.is_empty() && full.is_empty() {
                let roots = self.schema.children.keys().copied().collect::<Vec<_>>();
                format!("this mail knows {}", roots.join(", "))
            } else {
                near
            }
        };
        self.fault(at, format!("there is no variable `{path}`"), hint);
    }

    /// Says so where a value that may be missing is printed without being asked for.
    pub(super) fn require(&mut self, path: &str, at: usize) {
        self.require_prefixes(path, at, true);
    }

    pub(super) fn require_parents(&mut self, path: &str, at: usize) {
        self.require_prefixes(path, at, false);
    }

    fn require_prefixes(&mut self, path: &str, at: usize, with_last: bool) {
        let mut node = self.schema;
        let mut full = String::new();
        let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
        for (index, name) in names.iter().enumerate() {
            let plain = name.strip_suffix("[]").unwrap_or(name);
            let Some(child) = node.children.get(plain) else {
                return;
            };
            node = child;
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(plain);
            let is_last = index + 1 == names.len();
            let is_known = || {
                self.known
                    .iter()
                    .any(|known| known == &full || known.starts_with(&format!("{full}.")))
            };
            if node.is_optional && (with_last || !is_last) && !is_known() {
                self.fault(
                    at,
                    format!("`{full}` may be missing"),
                    format!("write it inside `{{{{#if {full}}}}}…{{{{else}}}}…{{{{/if}}}}`"),
                );
                return;
            }
            if name.ends_with("[]") {
                full.push_str("[]");
                match node.item.as_deref() {
                    Some(item) => node = item,
                    None => return,
                }
            }
        }
    }
}

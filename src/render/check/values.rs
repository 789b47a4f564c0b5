//! Tags that print: is there such a helper, does it take this sort of value, is the value there?

use crate::render::{
    mjml::Place,
    problem::nearest,
    schema::{Node, Sort},
    tag::{Call, ExprKind},
};

use super::{DECIDING, Fault, PRINTING, Walk};

impl<'s> Walk<'s, '_> {
    pub(super) fn value(&mut self, call: &Call, place: Place) {
        if call.params.is_empty() && call.hash.is_empty() {
            self.bare(call, place);
            return;
        }
        if place == Place::Color {
            self.fault(call.at, "a colour attribute takes a colour alone", "");
            return;
        }
        let name = call.name.as_str();
        let Some((_, sorts)) = PRINTING.iter().find(|(known, _)| *known == name) else {
            let hint = if DECIDING.contains(&name) {
                format!("`{name}` belongs in brackets: `{{{{#if ({name} …)}}}}`")
            } else if name == "log" || name == "lookup" || name == "raw" {
                "write the variable itself".to_owned()
            } else {
                nearest(name, PRINTING.iter().map(|(known, _)| *known))
            };
            self.fault(call.at, format!("there is no helper `{name}`"), hint);
            return;
        };
        if name == "url" && place == Place::Attribute {
            self.fault(call.at, "an address belongs in `href` or in text", "");
        }
        self.printing(call, sorts);
    }

    fn bare(&mut self, call: &Call, place: Place) {
        if place != Place::Color && PRINTING.iter().any(|(known, _)| *known == call.name) {
            self.fault(
                call.at,
                format!("the helper `{}` has no value", call.name),
                format!("write `{{{{{} …}}}}`", call.name),
            );
            return;
        }
        if matches!(call.name.as_str(), "@index" | "@first" | "@last") {
            self.loop_variable(&call.name, call.at);
            return;
        }
        let Some((path, node)) = self.resolve(&call.name, call.at) else {
            return;
        };
        self.require(&path, call.at);
        let helper = match node.sort {
            Sort::Color if place == Place::Color => return,
            _ if place == Place::Color => {
                self.fault(call.at, format!("`{path}` is no colour"), "");
                return;
            }
            Sort::Text | Sort::Number => return,
            Sort::Url => "url",
            Sort::Money => "money",
            Sort::Time => "date",
            Sort::List => "list",
            Sort::Flag | Sort::Group | Sort::Color => {
                self.fault(
                    call.at,
                    format!("`{path}` cannot be printed"),
                    "ask for it with `{{#if …}}` or name a value in it",
                );
                return;
            }
        };
        self.fault(
            call.at,
            format!("`{path}` needs the helper `{helper}`"),
            format!("write `{{{{{helper} {}}}}}`", call.name),
        );
    }

    fn printing(&mut self, call: &Call, sorts: &[Sort]) {
        let name = call.name.as_str();
        let Some(first) = call.params.first() else {
            self.fault(call.at, format!("the helper `{name}` has no value"), "");
            return;
        };
        let found = if let ExprKind::Path(path) = &first.kind {
            self.resolve(path, first.at)
        } else {
            self.fault(first.at, format!("`{name}` takes a variable here"), "");
            None
        };
        if let Some((path, node)) = found {
            if name != "fallback" {
                self.require(&path, first.at);
            }
            if !sorts.contains(&node.sort) {
                self.fault(
                    first.at,
                    format!("`{name}` cannot write `{path}`"),
                    expected(node.sort),
                );
            } else if name == "list" {
                self.list(call, node);
            }
        }
        let (params, keys): (usize, &[&str]) = match name {
            "plural" => (1, &["zero", "one", "two", "few", "many", "other"]),
            "list" | "fallback" => (2, &[]),
            _ => (1, &[]),
        };
        if let Some(extra) = call.params.get(params) {
            self.fault(extra.at, format!("`{name}` takes no further value"), "");
        }
        for (key, value) in &call.hash {
            if !keys.contains(&key.as_str()) {
                self.fault(value.at, format!("`{name}` has no key `{key}`"), "");
            } else if !matches!(value.kind, ExprKind::Text(_)) {
                self.fault(value.at, format!("`{key}` is a text in quotes"), "");
            }
        }
        if name == "plural" {
            for form in self.plural_forms {
                if !call.hash.iter().any(|(key, _)| key == form) {
                    self.faults.push((
                        call.at,
                        Fault::new(
                            format!("`plural` lacks the form `{form}` of this language"),
                            format!("add `{form}=\"# …\"`"),
                        ),
                    ));
                }
            }
        }
        if name == "fallback"
            && !matches!(
                call.params.get(1).map(|p| &p.kind),
                Some(ExprKind::Text(text)) if !text.trim().is_empty()
            )
        {
            self.fault(
                call.at,
                "`fallback` needs a text in quotes behind the variable",
                "",
            );
        }
    }

    fn list(&mut self, call: &Call, node: &'s Node) {
        let item = node.item.as_deref();
        match (call.params.get(1), item) {
            (None, Some(item)) if item.sort == Sort::Text => {}
            (None, _) => self.fault(
                call.at,
                "`list` needs to know which value of each item",
                "write `{{list order.items \"title\"}}`",
            ),
            (Some(field), Some(item)) => {
                let ExprKind::Text(key) = &field.kind else {
                    self.fault(field.at, "the value of each item is a name in quotes", "");
                    return;
                };
                let is_text = item
                    .children
                    .get(key.as_str())
                    .is_some_and(|child| child.sort == Sort::Text && !child.is_optional);
                if !is_text {
                    let hint = nearest(key, item.children.keys().copied());
                    self.fault(field.at, format!("the items have no text `{key}`"), hint);
                }
            }
            (Some(_), None) => {}
        }
    }
}

fn expected(sort: Sort) -> String {
    match sort {
        Sort::Text => "it is text: write it alone".to_owned(),
        Sort::Url => "it is an address: use `url`".to_owned(),
        Sort::Money => "it is an amount: use `money`".to_owned(),
        Sort::Time => "it is a date: use `date`, `weekday` or `time`".to_owned(),
        Sort::Number => "it is a number: use `number` or `plural`".to_owned(),
        Sort::Flag => "it is yes or no: use `{{#if …}}`".to_owned(),
        Sort::Color => "it is a colour".to_owned(),
        Sort::Group => "name a value in it".to_owned(),
        Sort::List => "it is a list: use `{{#each …}}` or `list`".to_owned(),
    }
}

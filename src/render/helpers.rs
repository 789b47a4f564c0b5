//! The helpers templates may call. Each gives text; the registry escapes it where it prints.

use std::{fmt::Write as _, sync::Arc};

use chrono::NaiveDateTime;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason,
    ScopedJson,
};
use serde_json::Value;

use super::cldr::{FormatCache, Formats};

/// Where the render puts the locale whose formats the helpers use.
pub(crate) const FORMAT_LOCALE: &str = "format_locale";
/// How a time of a context is written.
pub(crate) const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// Registers every helper and takes away those of Handlebars that templates may not call.
pub(crate) fn register(registry: &mut Handlebars<'static>, formats: &Arc<FormatCache>) {
    for name in ["log", "lookup", "raw"] {
        registry.unregister_helper(name);
    }
    let mut add = |name: &'static str, write: Write| {
        let formats = Arc::clone(formats);
        registry.register_helper(
            name,
            Box::new(Printing {
                name,
                formats,
                write,
            }),
        );
    };
    add("money", money);
    add("date", |formats, h| formats.date(time(h)?).map_err(other));
    add("weekday", |formats, h| {
        formats.weekday(time(h)?).map_err(other)
    });
    add("time", |formats, h| formats.time(time(h)?).map_err(other));
    add("number", |formats, h| Ok(formats.number(count(h)?)));
    add("plural", plural);
    add("list", list);
    add("url", |_, h| url(h));
    add("fallback", |_, h| Ok(fallback(h)));
}

type Write = fn(&Formats, &Helper<'_>) -> Result<String, RenderError>;

struct Printing {
    name: &'static str,
    formats: Arc<FormatCache>,
    write: Write,
}

impl HelperDef for Printing {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        if helper
            .param(0)
            .is_none_or(handlebars::PathAndJson::is_value_missing)
        {
            return Err(RenderErrorReason::ParamNotFoundForIndex(self.name, 0).into());
        }
        let locale = context
            .data()
            .get(FORMAT_LOCALE)
            .and_then(Value::as_str)
            .unwrap_or("en");
        let formats = self.formats.get(locale).map_err(other)?;
        (self.write)(&formats, helper).map(|text| ScopedJson::Derived(Value::String(text)))
    }
}

fn other(error: impl std::fmt::Display) -> RenderError {
    RenderErrorReason::Other(error.to_string()).into()
}

fn text<'a>(helper: &'a Helper<'_>) -> Result<&'a str, RenderError> {
    helper
        .param(0)
        .and_then(|param| param.value().as_str())
        .ok_or_else(|| other(format!("`{}` was given no text", helper.name())))
}

fn count(helper: &Helper<'_>) -> Result<u64, RenderError> {
    helper
        .param(0)
        .and_then(|param| param.value().as_u64())
        .ok_or_else(|| other(format!("`{}` was given no whole number", helper.name())))
}

fn time(helper: &Helper<'_>) -> Result<NaiveDateTime, RenderError> {
    NaiveDateTime::parse_from_str(text(helper)?, TIME_FORMAT)
        .map_err(|_| other(format!("`{}` was given no date", helper.name())))
}

/// `"12.50 EUR"` as the locale writes it.
fn money(formats: &Formats, helper: &Helper<'_>) -> Result<String, RenderError> {
    let (amount, currency) = text(helper)?
        .split_once(' ')
        .ok_or_else(|| other("`money` was given no amount with a currency"))?;
    formats.money(amount, currency).map_err(other)
}

/// The form the count takes, `#` replaced by the count.
fn plural(formats: &Formats, helper: &Helper<'_>) -> Result<String, RenderError> {
    let count = count(helper)?;
    let form = formats.plural_form(count);
    let text = helper
        .hash_get(form)
        .or_else(|| helper.hash_get("other"))
        .and_then(|value| value.value().as_str())
        .ok_or_else(|| other(format!("`plural` lacks the form `{form}`")))?;
    Ok(text.replace('#', &formats.number(count)))
}

fn list(formats: &Formats, helper: &Helper<'_>) -> Result<String, RenderError> {
    let key = helper.param(1).and_then(|param| param.value().as_str());
    let items: Option<Vec<String>> = helper
        .param(0)
        .and_then(|param| param.value().as_array())
        .and_then(|items| {
            items
                .iter()
                .map(|item| match key {
                    Some(key) => item.get(key),
                    None => Some(item),
                })
                .map(|text| text.and_then(Value::as_str).map(str::to_owned))
                .collect()
        });
    items
        .map(|items| formats.list(&items))
        .ok_or_else(|| other("`list` was given no list of texts"))
}

fn fallback(helper: &Helper<'_>) -> String {
    let text = |index| {
        helper
            .param(index)
            .and_then(|param| param.value().as_str())
            .filter(|text| !text.trim().is_empty())
    };
    text(0).or_else(|| text(1)).unwrap_or_default().to_owned()
}

/// An address fit for a link; the error never repeats it, since it may lead to a buyer.
fn url(helper: &Helper<'_>) -> Result<String, RenderError> {
    let address = text(helper)?;
    safe_url(address).ok_or_else(|| other("`url` takes only https and mailto addresses"))
}

/// The address, percent-encoded where a link would break; `None` unless https or mailto.
pub(crate) fn safe_url(address: &str) -> Option<String> {
    let address = address.trim();
    let has_scheme = |scheme: &str| {
        address
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let rest = if has_scheme("https://") {
        &address[8..]
    } else if has_scheme("mailto:") {
        &address[7..]
    } else {
        return None;
    };
    let is_broken = rest.is_empty()
        || rest.starts_with(['/', '?', '#'])
        || address.chars().any(char::is_control);
    if is_broken {
        return None;
    }
    let mut safe = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            ' ' | '"' | '\'' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "%{:02X}", u32::from(c));
            }
            _ => safe.push(c),
        }
    }
    Some(safe)
}

/// Escapes a value for text and quoted attributes of HTML.
pub(crate) fn escape_html(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: Result<&str, &str>) {
        let mut registry = Handlebars::new();
        register(&mut registry, &Arc::default());
        registry.set_strict_mode(true);
        registry.register_escape_fn(escape_html);
        let data = serde_json::json!({
            FORMAT_LOCALE: "pl",
            "price": "1234.5 EUR",
            "at": "2026-03-02T14:05:00",
            "n": 3,
            "titles": ["a", "b<"],
            "items": [{"title": "x"}, {"title": "y"}],
            "name": null,
            "good": "https://a.example/?x=1&y=\"2\"",
            "bad": "javascript:alert(1)",
        });
        let found = registry.render_template(template, &data);
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.replace('\u{a0}', " "), expected, "{template}");
            }
            (Err(error), Err(words)) => {
                assert!(error.to_string().contains(words), "{template}: {error}");
            }
            (found, _) => panic!("{template}: {found:?}"),
        }
    }

    #[test]
    fn helpers_write_in_the_locale_of_the_mail() {
        check("{{money price}}", Ok("1234,50 €"));
        check("{{date at}}", Ok("2 marca 2026"));
        check(
            "{{weekday at}}, {{time at}}",
            Ok("poniedziałek, 2 marca, 14:05"),
        );
        check(
            "{{plural n one='# paczka' few='# paczki' many='# paczek'}}",
            Ok("3 paczki"),
        );
        check(
            "{{list titles}}; {{list items 'title'}}",
            Ok("a i b&lt;; x i y"),
        );
        check("{{fallback name 'gość'}}", Ok("gość"));
    }

    #[test]
    fn only_safe_addresses_become_links() {
        check("{{url good}}", Ok("https://a.example/?x=1&amp;y=%222%22"));
        check("{{url bad}}", Err("https and mailto"));
        for bad in [
            "http://x.example",
            "https://",
            "https:///x",
            "data:text/html,x",
            " ",
            "//x",
            "https://a\nb",
        ] {
            assert_eq!(safe_url(bad), None, "{bad}");
        }
        assert!(safe_url("HTTPS://x.example").is_some());
        assert!(safe_url("mailto:a@b.example").is_some());
    }

    #[test]
    fn what_templates_may_not_call_is_not_there() {
        check("{{log 'x'}}", Err("log"));
        check("{{lookup items 0}}", Err("lookup"));
        check("{{money typo}}", Err("money"));
    }
}

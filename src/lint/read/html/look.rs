//! How the text of an element looks, as far as that decides whether a buyer sees it.
//!
//! Styles are inherited as in browsers: an element inside a hidden one can be visible again
//! where the property allows it, and never inside one that is not laid out.

/// The inherited look of an element's text.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Not laid out, clipped or moved away: nothing inside can undo that.
    removed: bool,
    /// `visibility:hidden`, until something inside is made visible.
    invisible: bool,
    /// A font size of zero, until something inside has a size of its own.
    sizeless: bool,
    /// The text colour, normalised; `None` while it is the program's own.
    color: Option<String>,
    /// The colour behind the text, normalised; `None` when it is not known.
    background: Option<String>,
}

impl Look {
    /// Whether the buyer does not see text that looks so.
    pub(super) fn is_hidden(&self) -> bool {
        let is_blended = match &self.color {
            Some(color) => color == "transparent" || self.background.as_ref() == Some(color),
            None => false,
        };
        self.removed || self.invisible || self.sizeless || is_blended
    }

    /// Takes the element off the screen for good.
    pub(super) fn remove(&mut self) {
        self.removed = true;
    }

    /// Sets the text colour.
    pub(super) fn set_color(&mut self, value: &str) {
        if let Some(color) = color(value) {
            self.color = Some(color);
        }
    }

    /// Sets the colour behind the text. A picture or a gradient makes it unknown.
    pub(super) fn set_background(&mut self, value: &str) {
        match color(value) {
            // What is behind shows through.
            Some(color) if color == "transparent" || color == "none" => {}
            background => self.background = background,
        }
    }

    /// Applies a style attribute.
    pub(super) fn apply(&mut self, style: &str) {
        let style: String = style
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect();
        for declaration in style.split(';') {
            if let Some((key, value)) = declaration.split_once(':') {
                self.declare(key, value.trim_end_matches("!important"));
            }
        }
    }

    fn declare(&mut self, key: &str, value: &str) {
        let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+'));
        let number = &value[..value.len() - unit.len()];
        let is_zero = number.parse::<f32>() == Ok(0.0);
        match key {
            "display" => self.removed |= value == "none",
            "opacity" | "max-height" | "max-width" => self.removed |= is_zero,
            "mso-hide" => self.removed |= value == "all",
            "text-indent" | "left" | "top" | "margin-left" | "right" => {
                self.removed |= value.starts_with('-') && value.len() > 5;
            }
            "visibility" => match value {
                "hidden" | "collapse" => self.invisible = true,
                "visible" | "initial" => self.invisible = false,
                _ => {}
            },
            "font-size" => {
                // A share of nothing is nothing.
                let is_relative =
                    matches!(unit, "em" | "%" | "ex" | "larger" | "smaller" | "inherit");
                self.sizeless = is_zero || (self.sizeless && is_relative);
            }
            "color" => self.set_color(value),
            "background" | "background-color" => self.set_background(value),
            _ => {}
        }
    }
}

/// A colour in one spelling; `None` for what is no plain colour.
fn color(value: &str) -> Option<String> {
    let value = value.trim().to_ascii_lowercase();
    let is_plain = value.starts_with("rgb") || !value.contains('(');
    if !is_plain || value.contains("url") || value == "inherit" {
        return None;
    }
    let digits = value.strip_prefix('#').filter(|digits| digits.len() == 3);
    Some(match (digits, value.as_str()) {
        (Some(digits), _) => digits
            .chars()
            .fold("#".to_owned(), |hex, c| hex + &format!("{c}{c}")),
        (None, "white" | "rgb(255,255,255)") => "#ffffff".to_owned(),
        (None, "black" | "rgb(0,0,0)") => "#000000".to_owned(),
        (None, "rgba(0,0,0,0)") => "transparent".to_owned(),
        _ => value,
    })
}

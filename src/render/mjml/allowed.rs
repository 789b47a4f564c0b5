//! The tags and attributes a template may use, and what may stand in what.

pub(super) const PADDING: &[&str] = &[
    "padding",
    "padding-top",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "css-class",
    "mj-class",
    "container-background-color",
];
pub(super) const BOX: &[&str] = &[
    "background-color",
    "border",
    "border-top",
    "border-bottom",
    "border-left",
    "border-right",
    "border-radius",
];
pub(super) const FONT: &[&str] = &[
    "align",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "letter-spacing",
    "line-height",
    "text-decoration",
    "text-transform",
];
pub(super) const PHRASES: &[&str] = &[
    "a", "abbr", "b", "bdi", "br", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u",
];
pub(super) const BLOCKS: &[&str] = &[
    "blockquote",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "ul",
];
pub(super) const TABLE: &[&str] = &[
    "caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
];
pub(super) const COMPONENTS: &[&str] = &[
    "mj-button",
    "mj-divider",
    "mj-image",
    "mj-raw",
    "mj-spacer",
    "mj-table",
    "mj-text",
];
pub(super) const VOID: &[&str] = &["br", "hr", "img", "meta"];

/// The attributes a tag may have, in groups; `None` for a tag that may not be used.
pub(super) fn attributes_of(tag: &str) -> Option<&'static [&'static [&'static str]]> {
    Some(match tag {
        "mjml" => &[&["lang", "dir"]],
        "mj-head" | "mj-title" | "mj-preview" | "mj-attributes" | "mj-raw" | "mj-style" => &[],
        "mj-breakpoint" => &[&["width"]],
        "mj-body" => &[&["width", "background-color", "css-class"]],
        "mj-wrapper" => &[PADDING, BOX, &["full-width", "text-align"]],
        "mj-section" => &[PADDING, BOX, &["direction", "full-width", "text-align"]],
        "mj-group" => &[&[
            "width",
            "vertical-align",
            "background-color",
            "direction",
            "css-class",
            "mj-class",
        ]],
        "mj-column" => &[
            PADDING,
            BOX,
            &[
                "width",
                "vertical-align",
                "inner-background-color",
                "inner-border",
                "inner-border-radius",
                "direction",
            ],
        ],
        "mj-text" => &[PADDING, FONT, &["height"]],
        "mj-button" => &[
            PADDING,
            BOX,
            FONT,
            &[
                "href",
                "inner-padding",
                "width",
                "height",
                "rel",
                "title",
                "text-align",
                "vertical-align",
            ],
        ],
        "mj-image" => &[
            PADDING,
            BOX,
            &[
                "src",
                "alt",
                "width",
                "height",
                "href",
                "align",
                "title",
                "rel",
                "fluid-on-mobile",
            ],
        ],
        "mj-divider" => &[
            PADDING,
            &[
                "border-color",
                "border-style",
                "border-width",
                "width",
                "align",
            ],
        ],
        "mj-spacer" => &[PADDING, &["height"]],
        "mj-table" => &[
            PADDING,
            FONT,
            &[
                "border",
                "cellpadding",
                "cellspacing",
                "table-layout",
                "width",
                "role",
            ],
        ],
        "a" => &[HTML, &["href", "rel", "target"]],
        "td" | "th" => &[
            HTML,
            &[
                "align", "bgcolor", "colspan", "height", "rowspan", "scope", "valign", "width",
            ],
        ],
        "tr" => &[HTML, &["align", "valign"]],
        "table" => &[
            HTML,
            &["align", "border", "cellpadding", "cellspacing", "width"],
        ],
        "img" => &[HTML, &["src", "alt", "width", "height"]],
        "ol" => &[HTML, &["start"]],
        "meta" => &[&["name", "content"]],
        tag if PHRASES.contains(&tag) || BLOCKS.contains(&tag) || TABLE.contains(&tag) => &[HTML],
        _ => return None,
    })
}

const HTML: &[&str] = &[
    "align",
    "aria-hidden",
    "aria-label",
    "class",
    "dir",
    "lang",
    "role",
    "style",
    "title",
];

/// Known to MJML, left out here, and why.
pub(super) fn left_out(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "mj-font" => "web fonts load from elsewhere; use the layout's fonts",
        "mj-include" => "use `{{> name}}`",
        "mj-hero" | "mj-carousel" | "mj-accordion" | "mj-navbar" | "mj-social" => {
            "mail programs do not show it alike; use sections, text and buttons"
        }
        "script" | "form" | "input" | "button" | "iframe" | "object" | "embed" | "video"
        | "audio" | "svg" | "link" | "base" => "it has no place in a mail",
        "style" => "use `mj-style` in the layout's `mj-head`",
        _ => return None,
    })
}

/// Whether `child` may stand directly in `parent`; `None` is the top of the text.
pub(super) fn fits(parent: Option<&str>, child: &str) -> bool {
    let is_html = |tag: &str| {
        PHRASES.contains(&tag) || BLOCKS.contains(&tag) || TABLE.contains(&tag) || tag == "img"
    };
    match parent {
        None => child == "mjml",
        Some("mjml") => matches!(child, "mj-head" | "mj-body"),
        Some("mj-head") => matches!(
            child,
            "mj-title" | "mj-preview" | "mj-attributes" | "mj-style" | "mj-breakpoint" | "mj-raw"
        ),
        Some("mj-attributes") => true,
        Some("mj-body") => matches!(child, "mj-section" | "mj-wrapper" | "mj-raw"),
        Some("mj-wrapper") => matches!(child, "mj-section" | "mj-raw"),
        Some("mj-section") => matches!(child, "mj-column" | "mj-group" | "mj-raw"),
        Some("mj-group") => child == "mj-column",
        Some("mj-column") => COMPONENTS.contains(&child),
        Some("mj-text" | "mj-raw") => is_html(child) || child == "meta",
        Some("mj-table" | "table") => {
            matches!(child, "tr" | "thead" | "tbody" | "tfoot" | "caption")
        }
        Some("thead" | "tbody" | "tfoot") => child == "tr",
        Some("tr") => matches!(child, "td" | "th"),
        Some("ul" | "ol") => child == "li",
        Some("mj-button" | "p" | "h1" | "h2" | "h3" | "h4" | "caption") => {
            PHRASES.contains(&child) || child == "img"
        }
        Some(tag) if PHRASES.contains(&tag) => PHRASES.contains(&child) || child == "img",
        Some("td" | "th" | "div" | "blockquote" | "li") => is_html(child),
        Some(_) => false,
    }
}

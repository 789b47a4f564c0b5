use super::*;
use crate::render::context::samples;

#[test]
fn the_embedded_templates_load() {
    let problems = Catalogue::embedded().err().unwrap_or_default();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

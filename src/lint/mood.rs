//! Names of facts that tell the buyer's mood. Who is asked for a review must not depend on them.

/// Parts of names that stand for mood, a score or a complaint.
const MOOD: &[&str] = &[
    "score",
    "scores",
    "rating",
    "ratings",
    "stars",
    "nps",
    "csat",
    "ces",
    "mood",
    "sentiment",
    "satisfaction",
    "satisfied",
    "dissatisfied",
    "unsatisfied",
    "happy",
    "unhappy",
    "happiness",
    "complaint",
    "complaints",
    "complained",
    "survey",
    "promoter",
    "promoters",
    "detractor",
    "detractors",
    "opinion",
    "emotion",
    "positive",
    "negative",
    "liked",
    "loved",
    "disliked",
    "angry",
    "feedback",
];

/// Parts that make such a name one of a thing, not of a mood: `rating_url`.
const THING: &[&str] = &[
    "url", "link", "href", "label", "text", "title", "page", "button",
];

/// Whether the name of a fact or variable (`survey_score`, `order.npsScore`) tells a mood.
pub fn is_mood_fact(name: &str) -> bool {
    let parts = parts(name);
    parts.iter().any(|part| MOOD.contains(&part.as_str()))
        && !parts
            .last()
            .is_some_and(|part| THING.contains(&part.as_str()))
}

/// Whether an expression of a template reads such a variable.
pub(crate) fn mentions_mood(expression: &str) -> bool {
    let mut quoted = None;
    let mut bare = String::with_capacity(expression.len());
    for c in expression.chars() {
        match quoted {
            None if c == '"' || c == '\'' => quoted = Some(c),
            Some(quote) if quote == c => quoted = None,
            None => bare.push(c),
            Some(_) => {}
        }
    }
    bare.split(|c: char| c.is_whitespace() || "()=|,".contains(c))
        .any(is_mood_fact)
}

/// `order.npsScore_7d` to `order`, `nps`, `score`, `7d`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && after_lower {
                parts.push(String::new());
            }
            if let Some(part) = parts.last_mut() {
                part.extend(c.to_lowercase());
            }
        } else {
            parts.push(String::new());
        }
        after_lower = c.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mood_facts_are_told_from_order_facts() {
        for name in [
            "survey_score",
            "order.npsScore",
            "complaint_open",
            "is_happy",
            "rating",
        ] {
            assert!(is_mood_fact(name), "{name}");
        }
        for name in [
            "delivered",
            "parcel_count",
            "review_url",
            "rating_url",
            "scored_goods",
            "",
        ] {
            assert!(!is_mood_fact(name), "{name}");
        }
    }

    #[test]
    fn texts_in_quotes_are_no_names() {
        assert!(mentions_mood("if (gt survey_score 3)"));
        assert!(!mentions_mood("button label=\"your rating\" url=x"));
    }
}

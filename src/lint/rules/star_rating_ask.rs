//! RM004 star-rating-ask: names the rating that is wanted.

use super::{About, Findings};
use crate::lint::{
    concept::Concept,
    lexicon::Hit,
    rule::Rule,
    scene::{Scene, is_after_delivery},
};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# star-rating-ask (RM004)

## What it does

Finds requests that name the rating wanted: “5 stars”, “five-star”, “5/5”, “10 out of 10”, “full marks”, “A+++”,
a row of stars. A whole scale is neutral.

## Why it is forbidden

Amazon, Customer product reviews policies; Trustpilot, Guidelines for Businesses; Google Maps, user content policy:
the rating is the buyer's to choose. eBay forbids demanding it rather than naming it, so it is a warning there.

## Example

> We would love a 5-star rating from you.

## Use instead

> Rate your order from 1 to 5 stars.
",
    "the wanted rating is named; platforms want the buyer to choose it from the whole scale",
    "Rate your order from 1 to 5 stars.",
)
.by_sentence(sentence);

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    for rating in scene
        .hits(Concept::TopRating)
        .chain(scene.hits(Concept::Top))
    {
        if is_wished(scene, rating) {
            findings.report(Rule::StarRatingAsk, &[rating]);
        }
    }
}

fn is_wished(scene: Scene<'_>, rating: Hit) -> bool {
    // "One star or five, we read all": both ends are named.
    let both_ends = scene.has_any(&[Concept::LowRating, Concept::Balanced])
        && !scene.has_any(&[Concept::Negation, Concept::Change])
        && !is_lesser(scene, rating);
    // "Nothing less than 5 stars" negates the lesser, not the five.
    if both_ends || (scene.is_negated(rating) && !is_lesser(scene, rating)) {
        return false;
    }
    let asked = scene.has_any(&[Concept::Ask, Concept::Leave, Concept::Rate]);
    let spoken_of = scene.has_any(&[
        Concept::Review,
        Concept::Feedback,
        Concept::Benefit,
        Concept::Get,
        Concept::Happy,
        Concept::Condition,
    ]) || is_lesser(scene, rating);
    asked || (is_after_delivery(scene.text.kind) && (spoken_of || scene.len() <= 4))
}

/// "Less than five stars": the rating is the one that should be reached.
fn is_lesser(scene: Scene<'_>, rating: Hit) -> bool {
    scene
        .hits(Concept::LessThan)
        .any(|less| less.last < rating.first && Scene::gap(less, rating) <= 2)
}

//! RM002 incentive-for-positive-review: a benefit that depends on the tone.

use super::{About, Findings, incentive_for_review::offer};
use crate::lint::{concept::Concept, rule::Rule, scene::Scene};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# incentive-for-positive-review (RM002)

## What it does

Finds a benefit that depends on the tone or the stars of a review, said or implied.

## Why it is forbidden

16 CFR 465.4 forbids it in so many words; every marketplace and review site does as well, and no own shop is
exempt, disclosed or not.

## Example

> 5 stars = 20% off

## Use instead

Drop the benefit, and ask for an honest review:

> You can leave a review here. It is voluntary and not rewarded.
",
    "the benefit depends on praise or stars; 16 CFR 465.4 and every platform forbid that everywhere",
    "Drop the benefit: \u{201c}You can leave a review here. It is voluntary and not rewarded.\u{201d}",
)
.by_sentence(sentence);

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    let Some(offer) = offer(scene) else {
        return;
    };
    if scene.has_any(&[Concept::Balanced, Concept::Scale]) {
        return;
    }
    let tone = [Concept::Top, Concept::TopRating, Concept::Praise]
        .into_iter()
        .find_map(|concept| scene.affirmed(concept))
        .or_else(|| {
            scene.hits(Concept::Positive).find(|positive| {
                let is_paired = scene
                    .hits(Concept::Negative)
                    .any(|negative| Scene::gap(*positive, negative) <= 3);
                !is_paired && Scene::gap(*positive, offer.act) <= 3
            })
        })
        .or_else(|| {
            (offer.act.concept == Concept::Tell)
                .then(|| scene.affirmed(Concept::Happy))
                .flatten()
        });
    if let Some(tone) = tone {
        findings.report(
            Rule::IncentiveForPositiveReview,
            &[tone, offer.act, offer.benefit],
        );
    }
}

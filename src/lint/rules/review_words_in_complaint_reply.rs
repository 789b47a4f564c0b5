//! RM012 review-words-in-complaint-reply: review words in a reply to a complaint.

use super::{About, Findings};
use crate::{
    lint::{concept::Concept, lexicon::Hit, rule::Rule, scene::Scene},
    mail::MailKind,
};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# review-words-in-complaint-reply (RM012)

## What it does

Finds any mention of a review, rating, stars, score, public comment, testimonial or recommendation in a reply to a
complaint. “Feedback” and “comment” count where they mean the public ones.

## Why it is forbidden

House rule, and the words Amazon's message filter is reported to react to. The buyer has complained: the reply is
about the problem, the remedy and the date.

## Example

> We read your review and we are sorry the strap broke.

## Use instead

> We are sorry the strap broke. A replacement leaves our warehouse today.
",
    "a reply to a complaint speaks of a review; it is about the problem, the remedy and the date only",
    "Write \u{201c}your message\u{201d} or \u{201c}your report\u{201d}, and keep to problem, remedy and date.",
)
.by_sentence(sentence);

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    if scene.text.kind != MailKind::ComplaintReply {
        return;
    }
    // Stars with a number may be goods: "two stars of the garland are broken".
    let is_rated = |stars: &Hit| {
        [
            Concept::Leave,
            Concept::Rate,
            Concept::Review,
            Concept::Change,
            Concept::Feedback,
        ]
        .into_iter()
        .flat_map(|concept| scene.hits(concept))
        .any(|hit| scene.same_clause(hit, *stars))
    };
    let counts = |hit: &Hit| match hit.concept {
        Concept::LowRating | Concept::TopRating | Concept::Scale => is_rated(hit),
        _ => true,
    };
    let found = scene
        .review_words()
        .find(counts)
        .or_else(|| scene.hits(Concept::Praise).next())
        .or_else(|| {
            // "Feedback from customers like you helps others": what others read is public.
            scene.hits(Concept::Feedback).find(|feedback| {
                scene
                    .hits(Concept::Tell)
                    .any(|tell| scene.same_clause(tell, *feedback))
            })
        })
        .or_else(|| {
            // "What you posted on Trustpilot": the site says what was written.
            scene
                .hits(Concept::Site)
                .next()
                .filter(|_| scene.has(Concept::Leave))
        });
    if let Some(hit) = found {
        findings.report(Rule::ReviewWordsInComplaintReply, &[hit]);
    }
}

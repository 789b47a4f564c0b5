//! CH006 audience-by-mood: who is asked depends on mood, score or complaint.

use super::About;

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# audience-by-mood (CH006)

## What it does

Finds review requests whose audience is chosen by mood, score or complaint instead of by facts of the order.

## Why it is forbidden

FTC, Soliciting and Paying for Online Reviews (2022); Trustpilot, best practices for invitations: ask everyone or
nobody, never only the happy.

## Example

A step of kind `review_request` with a condition on `survey_score`.

## Use instead

Choose by facts of the order: delivered, channel, country, items.
",
    "the audience of the review request depends on the buyer's mood, a score or a complaint",
    "Choose the audience by facts of the order, such as delivery or country.",
);

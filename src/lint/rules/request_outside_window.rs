//! CH002 review-request-outside-window: a review request at the wrong time.

use super::About;

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# review-request-outside-window (CH002)

## What it does

Finds review requests whose window reaches outside the time the platform allows, or that do not wait for the
follow-up.

## Why it is forbidden

Amazon takes requests 5 to 30 days after delivery (Solicitations API); eBay and Allegro take feedback for a limited
time after the purchase. The follow-up goes first: a buyer with a problem is helped before being asked.

## Example

A review request on day 3 after delivery on an Amazon channel.

## Use instead

Move the window inside the allowed days, and name the follow-up as the step before.
",
    "the review request can go outside the time the platform allows, or before the follow-up",
    "Move the window inside the allowed days after delivery, and let the request come after the follow-up.",
);

//! How long one mail takes: subject, preheader, HTML and text, from a ready context.

#![expect(clippy::unwrap_used, reason = "benchmark code")]

use afternote::{
    mail::{Locale, MailKind, Platform},
    render::{Catalogue, LocaleChain, MailContext, context::samples},
};
use divan::Bencher;

fn main() {
    divan::main();
}

fn sample(kind: MailKind, name: &str) -> MailContext {
    samples(kind)
        .into_iter()
        .find(|(sample, _)| *sample == name)
        .unwrap()
        .1
}

fn chain() -> LocaleChain {
    LocaleChain::only(&Locale::english())
}

/// The largest everyday mail and the two of class R.
#[divan::bench(args = [MailKind::Accepted, MailKind::Shipped, MailKind::FollowUp, MailKind::ReviewRequest])]
fn one_mail(bencher: Bencher<'_, '_>, kind: MailKind) {
    let catalogue = Catalogue::embedded().unwrap();
    let (chain, context) = (chain(), sample(kind, "plain"));
    bencher.bench_local(|| {
        catalogue
            .render(kind, &chain, Platform::Shop, &context)
            .unwrap()
    });
}

#[divan::bench]
fn sixty_items(bencher: Bencher<'_, '_>) {
    let catalogue = Catalogue::embedded().unwrap();
    let (chain, context) = (chain(), sample(MailKind::Accepted, "sixty_items"));
    bencher.bench_local(|| {
        catalogue
            .render(MailKind::Accepted, &chain, Platform::Shop, &context)
            .unwrap()
    });
}

/// Start-up and reload: every template of every language, checked and compiled.
#[divan::bench(sample_count = 10)]
fn load() -> Catalogue {
    Catalogue::embedded().unwrap()
}

//! In which languages a mail may be written, best first.

use crate::mail::Locale;

/// The locales to try: the buyer's exact one, its language, the channel's, the shop's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocaleChain(Vec<Locale>);

impl LocaleChain {
    /// The chain for a buyer. Each step is tried with its region and without; none twice.
    pub fn new(buyer: Option<&Locale>, channel: &Locale, shop: &Locale) -> Self {
        let mut chain: Vec<Locale> = Vec::new();
        for locale in buyer.into_iter().chain([channel, shop]) {
            for step in [locale.clone(), locale.without_region()] {
                if !chain.contains(&step) {
                    chain.push(step);
                }
            }
        }
        Self(chain)
    }

    /// The chain of one locale, for preview and tests.
    pub fn only(locale: &Locale) -> Self {
        Self::new(None, locale, locale)
    }

    /// The locales, best first.
    pub fn locales(&self) -> &[Locale] {
        &self.0
    }

    /// The region's habits for dates and amounts, where its language is the one written in.
    pub(crate) fn format_locale(&self, written: &Locale) -> Locale {
        self.0
            .iter()
            .find(|locale| locale.language() == written.language())
            .unwrap_or(written)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(buyer: Option<&str>, channel: &str, shop: &str) -> Vec<String> {
        let buyer: Option<Locale> = buyer.map(|tag| tag.parse().unwrap());
        LocaleChain::new(
            buyer.as_ref(),
            &channel.parse().unwrap(),
            &shop.parse().unwrap(),
        )
        .0
        .into_iter()
        .map(String::from)
        .collect()
    }

    #[test]
    fn the_buyers_own_locale_comes_before_the_channels_and_the_shops() {
        assert_eq!(
            chain(Some("de-AT"), "pl", "en-GB"),
            ["de-AT", "de", "pl", "en-GB", "en"]
        );
        assert_eq!(chain(None, "en", "en"), ["en"]);
    }

    #[test]
    fn formats_keep_the_region_only_in_its_own_language() {
        let chain = LocaleChain::new(
            Some(&"de-AT".parse().unwrap()),
            &"en-GB".parse().unwrap(),
            &"en".parse().unwrap(),
        );
        let format = |tag: &str| String::from(chain.format_locale(&tag.parse().unwrap()));
        assert_eq!(format("de"), "de-AT");
        assert_eq!(format("en"), "en-GB");
    }
}

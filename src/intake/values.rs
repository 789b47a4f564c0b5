//! The values of an order file, read: texts into dates, amounts, codes.
//!
//! What cannot be read becomes an error with its place; what is odd and harmless, a warning.

use std::fmt::{Display, Write as _};

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::{
    clock::Instant,
    mail::Locale,
    order::{
        TimePrecision,
        event::{Basis, BasisRecord, Rung},
    },
};

use super::{
    amounts::{AmountFault, parse_amount},
    build::Build,
    dates::{DateFault, When, end_of_day, parse_date},
    draft::{Cell, Cells},
    error::{IntakeError, Warning, shape},
    fields::Field,
};

/// Reads the values of one order, gathering what is wrong.
pub(super) struct Reader<'b> {
    pub(super) build: &'b Build,
    pub(super) errors: Vec<IntakeError>,
    pub(super) warnings: Vec<Warning>,
}

impl Reader<'_> {
    pub(super) fn text(&mut self, cells: &Cells<'_>, field: Field) -> Option<String> {
        let cell = cells.get(field)?;
        if cell.text.contains('\0') {
            self.errors.push(cell.error(
                field,
                "the value contains a NUL character",
                "export the file again as plain text",
            ));
            return None;
        }
        Some(cell.text.clone().into_owned())
    }

    pub(super) fn occurred(&mut self, cells: &Cells<'_>, field: Field) -> Option<When> {
        let when = self.when(cells, field)?;
        let too_late = self
            .build
            .options
            .not_after
            .is_some_and(|end| when.at > end);
        if too_late && let Some(cell) = cells.get(field) {
            self.errors.push(cell.error(
                field,
                "the date lies in the future",
                "write only what has happened here; an expected day goes into `expected_at`, \
                 a promised one into `promised_by`",
            ));
        }
        Some(when)
    }

    /// A moment to come. A bare day lasts until its end.
    pub(super) fn expected(&mut self, cells: &Cells<'_>, field: Field) -> Option<Instant> {
        let when = self.when(cells, field)?;
        if when.precision != TimePrecision::Day {
            return Some(when.at);
        }
        let zone = self.build.options.zone;
        Some(end_of_day(when.at, zone))
    }

    fn when(&mut self, cells: &Cells<'_>, field: Field) -> Option<When> {
        let cell = cells.get(field)?;
        match parse_date(&cell.text, self.build.options.zone) {
            Ok(when) => Some(when),
            Err(fault) => {
                let hint = match fault {
                    DateFault::Slashes => {
                        "write the year first, 2026-03-02, or with dots, 02.03.2026"
                    }
                    DateFault::Form => {
                        "write 2026-03-02, 2026-03-02 14:05, 02.03.2026 or 2026-03-02T14:05:00Z"
                    }
                    DateFault::Year => "check the year",
                };
                self.fail(field, cell, fault, hint);
                None
            }
        }
    }

    pub(super) fn amount(&mut self, cells: &Cells<'_>, field: Field) -> Option<Decimal> {
        let cell = cells.get(field)?;
        match parse_amount(&cell.text, self.build.mark) {
            Ok(amount) => Some(amount),
            Err(fault) => {
                let hint = match fault {
                    AmountFault::Ambiguous => {
                        "write 1250.00: a point before the cents and nothing between thousands"
                    }
                    AmountFault::Negative => "write it without the minus sign",
                    AmountFault::TooLarge | AmountFault::Form => {
                        "write 12.50, without the currency"
                    }
                };
                self.fail(field, cell, fault, hint);
                None
            }
        }
    }

    pub(super) fn quantity(&mut self, cells: &Cells<'_>) -> u32 {
        let Some(cell) = cells.get(Field::Quantity) else {
            return 1;
        };
        // Spreadsheets like to write 2.0.
        let whole = cell.text.trim_end_matches('0').trim_end_matches(['.', ',']);
        let text = if whole.len() < cell.text.len() && cell.text.contains(['.', ',']) {
            whole
        } else {
            &cell.text
        };
        text.parse().unwrap_or_else(|_| {
            self.fail(
                Field::Quantity,
                cell,
                "this is no count",
                "write a whole number",
            );
            1
        })
    }

    pub(super) fn flag(&mut self, cells: &Cells<'_>, field: Field) -> Option<bool> {
        let cell = cells.get(field)?;
        let flag = read_flag(&cell.text);
        if flag.is_none() {
            self.fail(
                field,
                cell,
                "this is neither yes nor no",
                "write `yes` or `no`",
            );
        }
        flag
    }

    pub(super) fn currency(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Currency)?;
        if cell.text.len() == 3 && cell.text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(cell.text.to_ascii_uppercase());
        }
        let hint = "write the three letters of ISO 4217, such as `EUR` or `PLN`";
        self.fail(Field::Currency, cell, "this is no currency code", hint);
        None
    }

    pub(super) fn country(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Country)?;
        if cell.text.len() == 2 && cell.text.bytes().all(|b| b.is_ascii_alphabetic()) {
            let code = cell.text.to_ascii_uppercase();
            return Some(match code.as_str() {
                "UK" => "GB".to_owned(),
                "EL" => "GR".to_owned(),
                _ => code,
            });
        }
        let hint = "write the two letters of ISO 3166, such as `DE` or `PL`";
        self.fail(Field::Country, cell, "this is no country code", hint);
        None
    }

    pub(super) fn region(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Region)?;
        let region = match cell.text.split_once('-') {
            Some((country, region)) if country.len() == 2 => region,
            _ => &cell.text,
        };
        if (1..=3).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Some(region.to_ascii_uppercase());
        }
        self.warnings.push(cell.warning(
            Field::Region,
            "this is no region code such as `CA`; the country alone decides the time zone",
        ));
        None
    }

    pub(super) fn zone(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Zone)?;
        if cell.text.parse::<Tz>().is_ok() {
            return Some(cell.text.clone().into_owned());
        }
        self.warnings.push(cell.warning(
            Field::Zone,
            "this is no zone of the IANA list such as `Europe/Warsaw`; the country decides",
        ));
        None
    }

    pub(super) fn language(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Language)?;
        if cell.text.parse::<Locale>().is_ok() {
            return Some(cell.text.clone().into_owned());
        }
        self.warnings.push(cell.warning(
            Field::Language,
            "this is no language such as `de` or `en-GB`; the channel's language is used",
        ));
        None
    }

    /// A link the buyer may be shown: web addresses only.
    pub(super) fn link(&mut self, cells: &Cells<'_>, field: Field) -> Option<String> {
        let cell = cells.get(field)?;
        let lower = cell
            .text
            .get(..8)
            .unwrap_or(&cell.text)
            .to_ascii_lowercase();
        let is_web = lower.starts_with("https://") || lower.starts_with("http://");
        let is_clean = !cell
            .text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control());
        if is_web && is_clean {
            return Some(cell.text.clone().into_owned());
        }
        self.fail(
            field,
            cell,
            "this is no web address",
            "write it whole, with https://",
        );
        None
    }

    pub(super) fn basis(&mut self, cells: &Cells<'_>) -> Option<BasisRecord> {
        let at = self.when(cells, Field::BasisAt).map(|when| when.at);
        let cell = cells.get(Field::Basis)?;
        let basis = match cell.text.to_ascii_lowercase().as_str() {
            "consent" => Basis::Consent,
            "soft_opt_in" => Basis::SoftOptIn,
            "platform" => Basis::Platform,
            "none" => return None,
            _ => {
                let hint = "write `consent`, `soft_opt_in`, `platform` or nothing";
                self.fail(Field::Basis, cell, "this is no legal basis", hint);
                return None;
            }
        };
        Some(BasisRecord {
            basis,
            at,
            place: self.text(cells, Field::BasisPlace),
            text_version: self.text(cells, Field::BasisText),
        })
    }

    pub(super) fn evidence(&mut self, cells: &Cells<'_>) -> Option<Rung> {
        let cell = cells.get(Field::DeliveryEvidence)?;
        match cell.text.to_ascii_lowercase().as_str() {
            "carrier" => Some(Rung::Carrier),
            "aggregator" => Some(Rung::Aggregator),
            "marketplace" | "shop" => Some(Rung::Marketplace),
            "buyer" => Some(Rung::Buyer),
            _ => {
                let hint = "write `carrier`, `aggregator`, `marketplace` or `buyer`: a promise or \
                            a ship date is no evidence of delivery";
                self.fail(
                    Field::DeliveryEvidence,
                    cell,
                    "this is no evidence we know",
                    hint,
                );
                None
            }
        }
    }

    pub(super) fn tags(&mut self, cells: &Cells<'_>) -> Vec<String> {
        let text = self.text(cells, Field::Tags).unwrap_or_default();
        let separators: &[char] = if text.contains('\n') {
            &['\n']
        } else {
            &[',', ';', '|']
        };
        let mut tags: Vec<String> = Vec::new();
        for tag in text.split(separators).map(str::trim) {
            if !tag.is_empty() && !tags.iter().any(|other| other == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    /// An error that shows the value's shape.
    fn fail(&mut self, field: Field, cell: &Cell<'_>, message: impl Display, hint: &str) {
        let mut message = message.to_string();
        let _ = write!(message, " (it looks like `{}`)", shape(&cell.text));
        self.errors.push(cell.error(field, message, hint));
    }
}

pub(super) fn read_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "y" => Some(true),
        "no" | "false" | "0" | "n" => Some(false),
        _ => None,
    }
}

/// The method, with the many names of pay-on-delivery made one.
pub(super) fn payment_method(name: String) -> String {
    let lower = name.to_lowercase();
    let is_cod = matches!(
        lower.as_str(),
        "cod" | "cash on delivery" | "cash on delivery (cod)" | "pay on delivery" | "nachnahme"
    ) || lower == "za pobraniem"
        || lower == "pobranie";
    if is_cod { "cod".to_owned() } else { name }
}

//! How an order was paid, as far as templates have words for it.

use crate::render::context::Payment;

use super::{Builder, clean, text};

/// Until when a refund shows: banks take up to ten days for cards, three for transfers.
const CARD_DAYS: u32 = 10;
const TRANSFER_DAYS: u32 = 3;

impl Builder<'_> {
    pub(super) fn payment(&self) -> Payment {
        let order = self.request.order;
        let payment = order.paid.as_ref().map(|(_, payment)| payment);
        let method = payment.and_then(|payment| payment.method.as_deref());
        let means = Means::of(method);
        let on_delivery = means == Means::OnDelivery;
        Payment {
            is_paid: payment.is_some() && !on_delivery,
            on_delivery,
            by_card: means == Means::Card,
            by_transfer: means == Means::Transfer,
            amount: payment
                .and_then(|payment| self.money_in(payment.amount, payment.currency.as_ref()))
                .or_else(|| self.money(order.details.total)),
            method_name: means.name(),
            statement_name: payment.and_then(|payment| text(payment.statement_name.as_ref())),
        }
    }
}

/// The means of payment templates have words for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Means {
    Card,
    Transfer,
    OnDelivery,
    Named(String),
    Unknown,
}

impl Means {
    pub(super) fn of(method: Option<&str>) -> Self {
        let Some(method) = method.and_then(clean) else {
            return Self::Unknown;
        };
        match method.to_ascii_lowercase().as_str() {
            "card" | "credit_card" | "debit_card" | "credit card" => Self::Card,
            "transfer" | "bank_transfer" | "bank transfer" | "bacs" | "sepa" => Self::Transfer,
            "cod" | "cash_on_delivery" | "cash on delivery" => Self::OnDelivery,
            "online" | "manual" | "other" | "unknown" => Self::Unknown,
            _ => Self::Named(method),
        }
    }

    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.clone()),
            Self::Card | Self::Transfer | Self::OnDelivery | Self::Unknown => None,
        }
    }

    pub(super) const fn days(&self) -> u32 {
        match self {
            Self::Transfer => TRANSFER_DAYS,
            Self::Card | Self::OnDelivery | Self::Named(_) | Self::Unknown => CARD_DAYS,
        }
    }
}

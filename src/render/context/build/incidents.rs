//! What mails about incidents say: delays, items out of stock, money and goods that go back.

use crate::{
    order::{Incident, Parcel, ParcelStatus},
    render::context::{Cancellation, Delay, Refund, Returned, Stock},
    sequence::Scope,
};

use super::{BuildError, Builder, address, payment::Means, text};

impl Builder<'_> {
    pub(super) fn incident<'i, T>(
        &self,
        all: &'i [Incident<T>],
    ) -> Result<&'i Incident<T>, BuildError> {
        match self.request.scope {
            Scope::Incident(key) => all.iter().find(|incident| &incident.key == key),
            Scope::Order | Scope::Parcel(_) => all.last(),
        }
        .ok_or_else(|| self.no_subject())
    }

    pub(super) fn delay(&self) -> Result<Delay, BuildError> {
        let order = self.request.order;
        // A promise that passed without news has no event: its scope names the promised day.
        let is_promise =
            matches!(self.request.scope, Scope::Incident(key) if key.starts_with("promise@"));
        let found = match self.incident(&order.delays) {
            Ok(incident) if !is_promise => Some(incident),
            _ if is_promise => None,
            Ok(_) => None,
            Err(error) => return Err(error),
        };
        let earlier = order
            .delays
            .iter()
            .take_while(|delay| found.is_none_or(|found| found.key != delay.key))
            .filter_map(|delay| delay.data.expected_at)
            .last();
        let parcel = found
            .and_then(|delay| delay.parcel_ref.as_deref())
            .and_then(|parcel_ref| order.parcel(parcel_ref));
        let line_refs = match (found, parcel) {
            (Some(delay), _) if !delay.line_refs.is_empty() => delay.line_refs.clone(),
            (_, Some(parcel)) => parcel.line_refs.clone(),
            _ => Vec::new(),
        };
        let is_moving = |parcel: &Parcel| parcel.is_live() && parcel.shipped.is_some();
        let one = parcel.or(match order.parcels.as_slice() {
            [one] => Some(one),
            _ => None,
        });
        let old = earlier.or(order.details.promised_by);
        let new_date = self.ahead(found.and_then(|delay| delay.data.expected_at));
        Ok(Delay {
            old_date: old
                .map(|at| self.local(at))
                .filter(|old| new_date.is_none_or(|new| new.0.date() != old.0.date())),
            new_date,
            reason: found.and_then(|delay| text(delay.data.reason.as_ref())),
            items: self.named_items(&line_refs),
            is_shipped: parcel.map_or_else(
                || order.parcels.iter().any(is_moving) && self.to_come().is_empty(),
                is_moving,
            ),
            tracking_url: one.and_then(|parcel| address(parcel.shipment.tracking_url.as_ref())),
        })
    }

    pub(super) fn stock(&self) -> Result<Stock, BuildError> {
        let incident = self.incident(&self.request.order.stock_outs)?;
        Ok(Stock {
            items: self.named_items(&incident.line_refs),
            expected_on: self.ahead(incident.data.expected_at),
            reason: text(incident.data.reason.as_ref()),
        })
    }

    pub(super) fn refund(&self) -> Result<Refund, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.refunds)?;
        let refund = &incident.data;
        let is_partial =
            refund
                .partial
                .unwrap_or_else(|| match (refund.amount, order.details.total) {
                    (Some(amount), Some(total)) => amount < total,
                    _ => !incident.line_refs.is_empty(),
                });
        let paid_by = order.paid.as_ref().and_then(|(_, p)| p.method.as_deref());
        let means = Means::of(refund.method.as_deref().or(paid_by));
        Ok(Refund {
            amount: self.money_in(refund.amount, refund.currency.as_ref()),
            is_partial,
            by_card: means == Means::Card,
            by_transfer: means == Means::Transfer,
            visible_days: means.days(),
            method_name: means.name(),
            items: if is_partial && incident.line_refs.is_empty() {
                Vec::new()
            } else {
                self.named_items(&incident.line_refs)
            },
            remainder: if is_partial {
                self.remainder(&incident.line_refs)
            } else {
                Vec::new()
            },
        })
    }

    pub(super) fn cancellation(&self) -> Result<Cancellation, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.cancellations)?;
        let remainder = self.remainder(&incident.line_refs);
        let refund = order
            .refunds
            .iter()
            .find(|refund| refund.stamp.at >= incident.stamp.at);
        Ok(Cancellation {
            is_whole: remainder.is_empty(),
            by_buyer: incident.data.by.as_deref() == Some("buyer"),
            was_paid: order.paid.is_some() && !self.payment().on_delivery,
            refund_amount: refund.and_then(|refund| {
                self.money_in(refund.data.amount, refund.data.currency.as_ref())
            }),
            items: self.named_items(&incident.line_refs),
            remainder,
        })
    }

    pub(super) fn returned(&self) -> Result<Returned, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.returned)?;
        let result = incident.data.result.as_deref().unwrap_or_default();
        let is_parcel = incident
            .parcel_ref
            .as_deref()
            .and_then(|parcel_ref| order.parcel(parcel_ref))
            .is_some_and(|parcel| parcel.status == ParcelStatus::Returned);
        let refund = order
            .refunds
            .iter()
            .find(|refund| refund.stamp.at >= incident.stamp.at);
        let paid_by = order.paid.as_ref().and_then(|(_, p)| p.method.as_deref());
        Ok(Returned {
            is_parcel,
            will_be_refunded: result == "refunded" || refund.is_some(),
            will_be_replaced: matches!(result, "replaced" | "exchanged"),
            was_declined: matches!(result, "declined" | "rejected"),
            refund_amount: refund.and_then(|refund| {
                self.money_in(refund.data.amount, refund.data.currency.as_ref())
            }),
            visible_days: Means::of(paid_by).days(),
            items: self.named_items(&incident.line_refs),
        })
    }
}

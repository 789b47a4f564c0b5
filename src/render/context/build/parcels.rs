//! What mails about parcels say: what is in which parcel, and where it is.

use crate::{
    mail::MailKind,
    order::Parcel,
    render::context::{Customs, Item, ParcelFacts, ParcelPart, Pickup, Shipment},
    sequence::Scope,
};

use super::{BuildError, Builder, address, event, text};

impl Builder<'_> {
    /// Live parcels that left, first one first: what "parcel 2 of 3" counts.
    pub(super) fn shipped(&self) -> Vec<&Parcel> {
        let mut shipped: Vec<&Parcel> = self
            .request
            .order
            .parcels
            .iter()
            .filter(|parcel| parcel.is_live() && parcel.shipped.is_some())
            .collect();
        shipped.sort_by(|left, right| {
            (left.shipped, &left.parcel_ref).cmp(&(right.shipped, &right.parcel_ref))
        });
        shipped
    }

    pub(super) fn shipment(&self) -> Result<Shipment, BuildError> {
        let all = self.shipped();
        let chosen: Vec<&Parcel> = match self.request.scope {
            _ if !self.request.parcels.is_empty() => all
                .iter()
                .copied()
                .filter(|parcel| self.request.parcels.contains(&parcel.parcel_ref))
                .collect(),
            Scope::Parcel(parcel_ref) => all
                .iter()
                .copied()
                .filter(|parcel| &parcel.parcel_ref == parcel_ref)
                .collect(),
            Scope::Order | Scope::Incident(_) => all.clone(),
        };
        let [first, rest @ ..] = chosen.as_slice() else {
            return Err(self.no_subject());
        };
        let facts: Vec<ParcelFacts> = chosen.iter().map(|parcel| self.facts(parcel)).collect();
        let one = facts.first().filter(|_| rest.is_empty());
        let _ = first;
        Ok(Shipment {
            parcel_count: facts.len(),
            is_several: facts.len() > 1,
            tracking_url: one.and_then(|parcel| parcel.tracking_url.clone()),
            expected_on: one.and_then(|parcel| parcel.expected_on),
            to_come: self.to_come(),
            parcels: facts,
        })
    }

    /// Lines that travel and are in no parcel yet.
    pub(super) fn to_come(&self) -> Vec<Item> {
        let shipped = self.shipped();
        self.items(
            self.request
                .order
                .lines_to_ship()
                .filter(|line| !shipped.iter().any(|parcel| parcel.holds(&line.line_ref))),
        )
    }

    pub(super) fn facts(&self, parcel: &Parcel) -> ParcelFacts {
        let order = self.request.order;
        let all = self.shipped();
        let position = all
            .iter()
            .position(|other| other.parcel_ref == parcel.parcel_ref)
            .map_or(1, |index| index + 1);
        // Lines still to come travel in at least one parcel more.
        let count = all.len().max(position) + usize::from(!self.to_come().is_empty());
        let delivered =
            order
                .facts()
                .iter()
                .rev()
                .find_map(|event| match (&event.fact, &event.parcel_ref) {
                    (event::Fact::Delivered(delivery), parcel_ref)
                        if parcel_ref
                            .as_ref()
                            .is_none_or(|named| *named == parcel.parcel_ref) =>
                    {
                        text(delivery.place.as_ref())
                    }
                    _ => None,
                });
        ParcelFacts {
            position,
            count,
            is_one_of_several: count > 1,
            items: if parcel.line_refs.is_empty() && all.len() > 1 {
                // We were not told what is in which parcel: say nothing rather than everything.
                Vec::new()
            } else {
                self.items(
                    order
                        .lines_to_ship()
                        .filter(|line| parcel.holds(&line.line_ref)),
                )
            },
            carrier: text(parcel.shipment.carrier.as_ref()),
            tracking_number: text(parcel.shipment.tracking_number.as_ref()),
            tracking_url: address(parcel.shipment.tracking_url.as_ref()),
            expected_on: self.ahead(parcel.expected_at),
            place: delivered,
            delivered_on: parcel
                .delivered
                .map(|evidence| self.local(evidence.stamp.at)),
        }
    }

    pub(super) fn parcel_part(&self) -> Result<ParcelPart, BuildError> {
        let order = self.request.order;
        let parcel = match self.request.scope {
            Scope::Parcel(parcel_ref) => order.parcel(parcel_ref),
            Scope::Order | Scope::Incident(_) => order
                .parcels
                .iter()
                .filter(|parcel| parcel.is_live())
                .max_by_key(|parcel| (parcel.status, parcel.status_at)),
        }
        .ok_or_else(|| self.no_subject())?;
        let is_pickup = matches!(
            self.request.kind,
            MailKind::PickupWaiting | MailKind::PickupReminder
        );
        let pickup = match (&parcel.pickup, is_pickup) {
            (Some((_, pickup)), true) => Some(Pickup {
                place: text(pickup.place.as_ref()),
                address: text(pickup.address.as_ref()),
                hours: text(pickup.opening_hours.as_ref()),
                code: text(pickup.code.as_ref()),
                until: self.ahead(pickup.pickup_until),
            }),
            (None, true) => return Err(self.no_subject()),
            (_, false) => None,
        };
        Ok(ParcelPart {
            parcel: self.facts(parcel),
            to_come: self.to_come(),
            pickup,
            customs: None,
        })
    }

    pub(super) fn customs(&self) -> Result<ParcelPart, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.customs)?;
        let parcel = incident
            .parcel_ref
            .as_deref()
            .and_then(|parcel_ref| order.parcel(parcel_ref))
            .or(order.parcels.first())
            .ok_or_else(|| self.no_subject())?;
        let who = incident.data.who_acts.as_deref().unwrap_or_default();
        Ok(ParcelPart {
            parcel: self.facts(parcel),
            to_come: self.to_come(),
            pickup: None,
            customs: Some(Customs {
                buyer_acts: who.eq_ignore_ascii_case("buyer"),
                seller_acts: who.eq_ignore_ascii_case("seller"),
                carrier_acts: who.eq_ignore_ascii_case("carrier"),
                reason: text(incident.data.reason.as_ref()),
                what_for: text(incident.data.what_for.as_ref()),
                act_by: self.ahead(incident.data.act_by),
                official_url: address(incident.data.official_url.as_ref()),
            }),
        })
    }
}

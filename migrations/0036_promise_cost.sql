-- Published: what promises that are over cost, and whose the money is. A view, so that billing asks for what reservation
-- agreed, and for nothing that it works out itself.
CREATE VIEW reservation.promise_cost AS
    SELECT kept.id, kept.driver, kept.car_park, kept.plate, kept.color, kept.state, kept.price, kept.fee,
        lower(kept.during) AS begins, upper(kept.during) AS until, kept.checked_in_at, kept.ended_at,
        listing.owner, coalesce((kept.terms ->> 'owner_share_bp')::integer, 0) AS owner_share_bp,
        listing.platform_share_bp
    FROM reservation.reservation AS kept LEFT JOIN reservation.listing ON listing.id = kept.listing
    WHERE kept.state IN ('completed', 'cancelled', 'no_show');

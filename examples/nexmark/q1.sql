-- Nexmark q1: prices in another currency: an exact decimal
SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid

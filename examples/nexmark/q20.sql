-- Nexmark q20: bids with their auctions: an unbounded join
SELECT auction, bidder, price, channel, url, B.dateTime, B.extra,
       itemName, description, initialBid, reserve, A.dateTime AS dateTime0, expires, seller, category, A.extra AS extra0
FROM bid AS B INNER JOIN auction AS A ON B.auction = A.id
WHERE A.category = 10

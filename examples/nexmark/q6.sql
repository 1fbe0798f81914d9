-- Nexmark q6: the mean price of each seller's last ten winning bids: a frame over rows that change, which Flink cannot have
SELECT Q.seller, AVG(Q.price) OVER (PARTITION BY Q.seller ORDER BY Q.dateTime, Q.id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS final
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY price DESC, dateTime) AS rownum
  FROM (
    SELECT A.id, A.seller, B.price, B.dateTime FROM auction AS A, bid AS B
    WHERE A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires
  )
) AS Q
WHERE rownum <= 1

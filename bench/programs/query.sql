CREATE TABLE t (a INTEGER, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO t SELECT i, hex(i * 2654435761 % 4294967296), i * 0.5 FROM n;
CREATE INDEX t_b ON t (b);
SELECT count(*), sum(c) FROM t WHERE b BETWEEN '32' AND '35';
SELECT substr(b, 1, 3), count(*), avg(c) FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 5;
UPDATE t SET c = c + 1 WHERE a % 3 = 0;
DELETE FROM t WHERE a % 7 = 0;
SELECT count(*) FROM t AS x JOIN t AS y ON x.b = y.b WHERE x.c < y.c + 10;

-- How much of a month's revenue came from promoted parts, in percent.
select
  100.00 * sum(l_extendedprice * (1 - l_discount)) filter (where p_type like 'PROMO%')
    / sum(l_extendedprice * (1 - l_discount)) as promo_revenue
from lineitem
join part on p_partkey = l_partkey
where l_shipdate >= date '1995-09-01' and l_shipdate < date '1995-10-01'

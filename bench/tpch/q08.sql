-- The share of Brazil in what America bought of one kind of steel, by year.
with bought as (
  select
    year(o_orderdate) as o_year,
    l_extendedprice * (1 - l_discount) as volume,
    s.n_name as nation
  from part
  join lineitem on l_partkey = p_partkey
  join supplier on s_suppkey = l_suppkey
  join orders on o_orderkey = l_orderkey
  join customer on c_custkey = o_custkey
  join nation c on c.n_nationkey = c_nationkey
  join region on r_regionkey = c.n_regionkey
  join nation s on s.n_nationkey = s_nationkey
  where r_name = 'AMERICA'
    and o_orderdate between date '1995-01-01' and date '1996-12-31'
    and p_type = 'ECONOMY ANODIZED STEEL'
)
select o_year, sum(volume) filter (where nation = 'BRAZIL') / sum(volume) as mkt_share
from bought
group by o_year
order by o_year

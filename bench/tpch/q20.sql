-- The suppliers in Canada that have much more of forest parts than they have shipped in a year.
with shipped as (
  select l_partkey, l_suppkey, 0.5 * sum(l_quantity) as half
  from lineitem
  where l_shipdate >= date '1994-01-01' and l_shipdate < date '1995-01-01'
  group by l_partkey, l_suppkey
)
select s_name, s_address
from supplier
join nation on n_nationkey = s_nationkey
where n_name = 'CANADA'
  and s_suppkey in (
    select ps_suppkey
    from partsupp
    join shipped on l_partkey = ps_partkey and l_suppkey = ps_suppkey
    where ps_partkey in (select p_partkey from part where p_name like 'forest%') and ps_availqty > half
  )
order by s_name

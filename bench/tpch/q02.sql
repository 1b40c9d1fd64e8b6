-- Which supplier in Europe sells each brass part of size 15 at the least cost.
with offers as (
  select *
  from partsupp
  join supplier on s_suppkey = ps_suppkey
  join nation on n_nationkey = s_nationkey
  join region on r_regionkey = n_regionkey
  where r_name = 'EUROPE'
),
least as (
  select ps_partkey as partkey, min(ps_supplycost) as cost from offers group by ps_partkey
)
select s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
from part
join offers on ps_partkey = p_partkey
join least on partkey = p_partkey and cost = ps_supplycost
where p_size = 15 and p_type like '%BRASS'
order by s_acctbal desc, n_name, s_name, p_partkey
limit 100

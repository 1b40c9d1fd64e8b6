-- Where there are customers with money who have not ordered anything, by the code of their country.
with callers as (
  select c_custkey, c_acctbal, left(c_phone, 2) as cntrycode
  from customer
  where left(c_phone, 2) in ('13', '31', '23', '29', '30', '18', '17')
)
select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal
from callers
where c_acctbal > (select avg(c_acctbal) from callers where c_acctbal > 0.00)
  and not exists (select 1 from orders where o_custkey = c_custkey)
group by cntrycode
order by cntrycode

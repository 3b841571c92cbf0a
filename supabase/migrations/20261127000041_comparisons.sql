-- Any two revisions of a project can be compared.

-- codeforge_read_comparison returns {revision, base, deltas}: what differs in revision p_to from p_from, which may be newer, or 0 for no files
-- at all; base tells whether there is that one. A file that went is paired with one that came whose content is the same: it was renamed. A page
-- begins after a path, and ends with the file whose text makes it p_bytes; renamed ones count nothing, and come without contents.
create or replace function public.codeforge_read_comparison(p_user uuid, p_project uuid, p_from bigint, p_to bigint, p_after text, p_bytes bigint, p_contents boolean)
returns setof json language sql stable as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r),
    'base', p_from = 0 or exists (select from public.project_revisions b where b.project_id = p.id and b.number = p_from), 'deltas', (
      with sides as materialized (
        select t.path, o.state as o, n.state as n, coalesce(not (o.state).deleted, false) as had, coalesce(not (n.state).deleted, false) as has
        from (select distinct f.path from public.file_revisions f where f.project_id = p.id and f.revision > least(p_from, p_to) and f.revision <= greatest(p_from, p_to)) t
        left join lateral (select v as state from public.file_revisions v where v.project_id = p.id and v.path = t.path and v.revision <= p_from order by v.revision desc limit 1) o on true
        left join lateral (select v as state from public.file_revisions v where v.project_id = p.id and v.path = t.path and v.revision <= p_to order by v.revision desc limit 1) n on true
      ), changed as materialized (
        select s.*, case when s.had then (s.o).hash else (s.n).hash end as hash,
          row_number() over (partition by s.had, s.has, case when s.had then (s.o).hash else (s.n).hash end order by s.path) as place
        from sides s where (s.had or s.has) and not (s.had and s.has and (s.o).hash = (s.n).hash and (s.o).language = (s.n).language)
      ), named as (
        select c.path, case when g.path is not null then g.o when c.had then c.o end as o, case when c.has then c.n end as n, c.had or g.path is not null as had, c.has, g.path is not null as renamed
        from changed c left join changed g on c.has and not c.had and g.had and not g.has and g.hash = c.hash and g.place = c.place
        where c.has or not exists (select from changed a where a.has and not a.had and a.hash = c.hash and a.place = c.place)
      )
      select coalesce(json_agg(json_build_object('path', d.path, 'old', case when d.had then public.codeforge_file_json(d.o, p_contents and not d.renamed) end,
        'new', case when d.has then public.codeforge_file_json(d.n, p_contents and not d.renamed) end) order by d.path), '[]')
      from (
        select n.*, sum(case when n.renamed then 0 else case when n.had then public.codeforge_read_text_size(n.o) else 0 end + case when n.has then public.codeforge_read_text_size(n.n) else 0 end end)
          over (order by n.path rows between unbounded preceding and 1 preceding) as before
        from named n where n.path > p_after collate "C") d
      where p_bytes = 0 or coalesce(d.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = p_to), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

revoke execute on function public.codeforge_read_comparison(uuid, uuid, bigint, bigint, text, bigint, boolean) from public, anon, authenticated;
grant execute on function public.codeforge_read_comparison(uuid, uuid, bigint, bigint, text, bigint, boolean) to authenticated, service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 50';
notify pgrst, 'reload schema';

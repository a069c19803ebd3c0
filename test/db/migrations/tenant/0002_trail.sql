-- Every note leaves a trail; a body of two statements tests the splitting on every transport.
create table trail (id integer);
create trigger leave_trail after insert on note begin
  insert into trail values (new.id);
  insert into trail values (-1);
end;
